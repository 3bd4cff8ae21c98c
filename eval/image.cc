#include "eval/image.h"

#include <cstdint>
#include <exception>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int64_t kMaxPixels = int64_t{1} << 26;

// JPEG markers (ITU-T T.81, table B.1): the byte after 0xFF.
constexpr uint8_t kStartOfImage = 0xD8;
constexpr uint8_t kEndOfImage = 0xD9;
constexpr uint8_t kStartOfScan = 0xDA;

bool IsStartOfFrame(uint8_t marker) {
  // 0xC4, 0xC8 and 0xCC lie between the frames but are none.
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 &&
         marker != 0xCC;
}

// Walks the markers of a JPEG. OpenCV decodes a truncated file without an
// error, and reserves whatever memory a header asks for: this finds both
// beforehand.
class JpegWalk {
 public:
  explicit JpegWalk(absl::string_view bytes) : bytes_(bytes) {}

  // What is wrong, or "" for a JPEG that is complete and not too large.
  std::string Problem() {
    if (bytes_.size() < 2 || At(0) != 0xFF || At(1) != kStartOfImage) {
      return "is not a JPEG";
    }
    position_ = 2;
    while (true) {
      if (!SkipToMarker()) return "is truncated";
      const uint8_t marker = At(position_ + 1);
      position_ += 2;
      if (marker == kEndOfImage) return pixels_ > 0 ? "" : "has no picture";
      if (position_ + 2 > bytes_.size()) return "is truncated";
      const size_t length = Word(position_);
      if (length < 2) return "has a segment of no length";
      if (position_ + length > bytes_.size()) return "is truncated";
      if (IsStartOfFrame(marker)) {
        if (length < 8) return "has a malformed frame";
        pixels_ = int64_t{Word(position_ + 3)} * Word(position_ + 5);
        if (pixels_ > kMaxPixels) {
          return absl::StrCat("announces ", pixels_,
                              " pixels, more than the limit of ", kMaxPixels);
        }
      }
      position_ += length;
      in_scan_ = marker == kStartOfScan;
    }
  }

 private:
  uint8_t At(size_t i) const { return static_cast<uint8_t>(bytes_[i]); }
  int Word(size_t i) const { return At(i) * 256 + At(i + 1); }

  // Moves to the next marker, over coded data after a scan's header. In coded
  // data 0xFF 0x00 is a value and 0xD0 to 0xD7 only restart the coder;
  // elsewhere 0xFF repeated is filling.
  bool SkipToMarker() {
    for (; position_ + 1 < bytes_.size(); ++position_) {
      if (At(position_) != 0xFF) continue;
      const uint8_t next = At(position_ + 1);
      if (next == 0x00 || next == 0xFF) continue;
      if (in_scan_ && next >= 0xD0 && next <= 0xD7) continue;
      return true;
    }
    return false;
  }

  const absl::string_view bytes_;
  size_t position_ = 0;
  int64_t pixels_ = 0;
  bool in_scan_ = false;
};

int IgnoreError(int, const char*, const char*, const char*, int, void*) {
  return 0;
}

// OpenCV prints each error on standard error before it throws it.
void SilenceOpenCv() {
  static const cv::ErrorCallback previous = cv::redirectError(&IgnoreError);
  static_cast<void>(previous);
}

absl::StatusOr<cv::Mat> Decode(absl::string_view bytes,
                               absl::string_view name) {
  SilenceOpenCv();
  try {
    const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8U,
                          const_cast<char*>(bytes.data()));
    cv::Mat bgr =
        cv::imdecode(encoded, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    if (!bgr.empty()) return bgr;
  } catch (const std::exception& e) {
    return absl::DataLossError(
        absl::StrCat(name, ": does not decode as JPEG: ", e.what()));
  }
  return absl::DataLossError(absl::StrCat(
      name, ": does not decode as JPEG; put the original file in its place"));
}

// OpenCV's order of channels is the reverse of ours.
void SwapRedAndBlue(const uint8_t* from, int pixels, uint8_t* to) {
  for (int i = 0; i < pixels; ++i, from += 3, to += 3) {
    to[0] = from[2];
    to[1] = from[1];
    to[2] = from[0];
  }
}

}  // namespace

absl::StatusOr<Picture> DecodeJpeg(absl::string_view bytes,
                                   absl::string_view name) {
  const std::string problem = JpegWalk(bytes).Problem();
  if (!problem.empty()) {
    return absl::DataLossError(absl::StrCat(
        name, ": ", problem, "; put the original file in its place"));
  }
  YOLOQ_ASSIGN_OR_RETURN(const cv::Mat bgr, Decode(bytes, name));
  Picture picture{bgr.cols, bgr.rows, {}};
  picture.rgb.resize(size_t{3} * bgr.cols * bgr.rows);
  for (int y = 0; y < bgr.rows; ++y) {
    SwapRedAndBlue(bgr.ptr(y), bgr.cols,
                   &picture.rgb[size_t{3} * bgr.cols * y]);
  }
  return picture;
}

absl::StatusOr<Picture> ReadJpeg(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return DecodeJpeg(file.view(), path);
}

absl::StatusOr<std::string> EncodeJpeg(const Picture& picture, int quality) {
  SilenceOpenCv();
  try {
    cv::Mat bgr(picture.height, picture.width, CV_8UC3);
    SwapRedAndBlue(picture.rgb.data(), picture.width * picture.height,
                   bgr.data);
    std::vector<uint8_t> bytes;
    if (cv::imencode(".jpg", bgr, bytes, {cv::IMWRITE_JPEG_QUALITY, quality})) {
      return std::string(bytes.begin(), bytes.end());
    }
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(
        absl::StrCat("picture of ", picture.width, " x ", picture.height,
                     " pixels: does not encode as JPEG: ", e.what()));
  }
  return absl::InternalError("OpenCV does not encode a JPEG");
}

}  // namespace yoloq
