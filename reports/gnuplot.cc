#include "reports/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

extern char** environ;

namespace yoloq {
namespace {

// A scratch folder that goes with its files.
class ScratchFolder {
 public:
  ScratchFolder() = default;
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    for (const char* name : {kScript, kPicture, kErrors}) {
      unlink(File(name).c_str());
    }
    rmdir(path_.c_str());
  }

  absl::Status Create() {
    const char* root = getenv("TMPDIR");
    std::string path =
        JoinPath(root == nullptr || *root == '\0' ? "/tmp" : root,
                 "yoloq_gnuplot_XXXXXX");
    if (mkdtemp(&path[0]) == nullptr) {
      return absl::UnavailableError(absl::StrCat(
          path, ": no scratch folder for gnuplot: ", strerror(errno)));
    }
    path_ = path;
    return absl::OkStatus();
  }

  std::string File(const char* name) const { return JoinPath(path_, name); }

  static constexpr char kScript[] = "script.gp";
  static constexpr char kPicture[] = "picture";
  static constexpr char kErrors[] = "errors";

 private:
  std::string path_;
};

absl::Status NotInstalled(const std::string& gnuplot) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot run ", gnuplot,
                   ", which draws the figures: run tools/setup, which installs "
                   "gnuplot-nox"));
}

// Waits for `gnuplot script` with both its outputs in `errors`; its exit code.
absl::StatusOr<int> Run(const std::string& gnuplot, const std::string& script,
                        const std::string& errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                   O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, errors.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<std::string> arguments = {gnuplot, script};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(&argument[0]);
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, gnuplot.c_str(), &actions, nullptr,
                                 argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT || error == EACCES) return NotInstalled(gnuplot);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot run ", gnuplot, ": ", strerror(error)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return absl::InternalError(
          absl::StrCat("waiting for ", gnuplot, ": ", strerror(errno)));
    }
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// An SVG is shown with the viewer's fonts. Verdana has the widths of DejaVu
// Sans.
std::string WithFallbackFonts(const std::string& picture) {
  return absl::StrReplaceAll(
      picture, {{"font-family=\"DejaVu Sans\"",
                 "font-family=\"DejaVu Sans, Verdana, sans-serif\""}});
}

absl::Status WritePicture(PictureFormat format, const std::string& terminal,
                          const std::string& script, const std::string& path,
                          const std::string& gnuplot) {
  ScratchFolder folder;
  YOLOQ_RETURN_IF_ERROR(folder.Create());
  const std::string script_path = folder.File(ScratchFolder::kScript);
  const std::string picture = folder.File(ScratchFolder::kPicture);
  const std::string errors = folder.File(ScratchFolder::kErrors);
  YOLOQ_RETURN_IF_ERROR(WriteFileAtomically(
      script_path, absl::StrCat(terminal, "set output ", GnuplotString(picture),
                                "\n", script, "\nunset output\n")));
  YOLOQ_ASSIGN_OR_RETURN(const int code, Run(gnuplot, script_path, errors));
  // The dynamic linker's code for a program that is there but cannot start.
  if (code == 127) return NotInstalled(gnuplot);
  const absl::StatusOr<std::string> contents = ReadFile(picture);
  if (code != 0 || !contents.ok() || contents->empty()) {
    const absl::StatusOr<std::string> said = ReadFile(errors);
    return absl::InternalError(absl::StrCat(
        path, ": ", gnuplot, " ended with code ", code, ": ",
        said.ok() ? absl::StripAsciiWhitespace(*said) : "no output"));
  }
  return WriteFileAtomically(path, format == PictureFormat::kSvg
                                       ? WithFallbackFonts(*contents)
                                       : *contents);
}

}  // namespace

std::string GnuplotString(absl::string_view text) {
  std::string constant = "'";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    constant += control ? ' ' : c;
    if (c == '\'') constant += c;
  }
  return constant + "'";
}

std::vector<std::string> WrapText(absl::string_view text, int width) {
  const auto code_points = [](absl::string_view word) {
    int count = 0;
    for (const unsigned char c : word) count += (c & 0xC0) != 0x80;
    return count;
  };
  std::vector<std::string> lines;
  int used = 0;
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const int length = code_points(word);
    if (lines.empty() || used + 1 + length > width) {
      lines.emplace_back(word);
      used = length;
    } else {
      absl::StrAppend(&lines.back(), " ", word);
      used += 1 + length;
    }
  }
  return lines;
}

void GnuplotLayers::Add(const std::string& name, const std::string& rows,
                        const std::string& style, const std::string& title) {
  if (rows.empty()) return;
  absl::StrAppend(&data_, "$", name, " << EOD\n", rows, "EOD\n");
  curves_.push_back(absl::StrCat(
      "$", name, " ", style,
      title.empty() ? " notitle"
                    : absl::StrCat(" title ", GnuplotString(title))));
}

void GnuplotLayers::AddKeyEntry(const std::string& style,
                                const std::string& title) {
  key_entries_.push_back(
      absl::StrCat("keyentry ", style, " title ", GnuplotString(title)));
}

std::string GnuplotLayers::Render() const {
  std::vector<std::string> curves = curves_;
  if (curves.empty()) curves.push_back("NaN notitle");
  curves.insert(curves.end(), key_entries_.begin(), key_entries_.end());
  return absl::StrCat(data_, "plot ", absl::StrJoin(curves, ", \\\n     "),
                      "\n");
}

std::string GnuplotTerminal(PictureFormat format, int width, int height) {
  if (format == PictureFormat::kSvg) {
    return absl::StrCat("set terminal svg noenhanced size ", width, ",", height,
                        " font 'DejaVu Sans,12' background rgb '#ffffff'\n");
  }
  // A point of pngcairo is 4/3 pixels, one of svg is a pixel.
  return absl::StrCat("set terminal pngcairo noenhanced size ", 2 * width, ",",
                      2 * height,
                      " font 'DejaVu Sans,12' fontscale 1.5 linewidth 2 "
                      "pointscale 2 background rgb '#ffffff'\n");
}

absl::Status WritePictures(const std::string& script, int width, int height,
                           const std::string& svg_path,
                           const std::string& png_path,
                           const std::string& gnuplot) {
  const std::pair<PictureFormat, const std::string*> pictures[] = {
      {PictureFormat::kSvg, &svg_path}, {PictureFormat::kPng, &png_path}};
  for (const auto& [format, path] : pictures) {
    if (path->empty()) continue;
    YOLOQ_RETURN_IF_ERROR(WritePicture(format,
                                       GnuplotTerminal(format, width, height),
                                       script, *path, gnuplot));
  }
  return absl::OkStatus();
}

}  // namespace yoloq
