// Charts by gnuplot: a script in, a picture out.
#ifndef YOLOQ_REPORTS_GNUPLOT_H_
#define YOLOQ_REPORTS_GNUPLOT_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// Text as a string constant of gnuplot: 'it''s'. Control characters become
// spaces, so that it is one line; nothing in it is evaluated.
std::string GnuplotString(absl::string_view text);

// Lines of at most `width` code points, broken at spaces; a longer word has a
// line of its own.
std::vector<std::string> WrapText(absl::string_view text, int width);

// The data and the curves of one plot command.
class GnuplotLayers {
 public:
  // A curve through `rows` ("x y\n" each), drawn later than those added before;
  // nothing where there are no rows. `name`: of the data block, letters and
  // digits, unique within the script. `style`: "with points ...". `title`: in
  // the key; "": not in it.
  void Add(const std::string& name, const std::string& rows,
           const std::string& style, const std::string& title);

  // A line of the key without a curve.
  void AddKeyEntry(const std::string& style, const std::string& title);

  // The data blocks, then the plot command; it draws bare axes where there are
  // no curves.
  std::string Render() const;

 private:
  std::string data_;
  std::vector<std::string> curves_;
  std::vector<std::string> key_entries_;
};

// The kind of picture that a script ends in.
enum class PictureFormat { kSvg, kPng };

// "set terminal ...": a picture of that size in pixels on white, with DejaVu
// Sans (an SVG names Verdana after it); a PNG has twice the pixels.
std::string GnuplotTerminal(PictureFormat format, int width, int height);

// Runs gnuplot on a script that sets no terminal and no output, once for each
// format, and writes the pictures to the paths; an empty path is left out. Each
// file is replaced whole or not at all. FailedPrecondition when `gnuplot` (a
// name in $PATH or a path) is not installed, saying how to install it;
// Internal with what gnuplot said when it fails; errors of writing.
absl::Status WritePictures(const std::string& script, int width, int height,
                           const std::string& svg_path,
                           const std::string& png_path,
                           const std::string& gnuplot = "gnuplot");

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_GNUPLOT_H_
