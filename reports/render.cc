// Renders reports from results alone, without running anything:
//
//   bazel run //reports:render -- all.textproto --output_dir=/tmp/report
//
// Results are files in text format (reports/results_file.h), or folders that
// hold them.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "reports/results_file.h"
#include "reports/write_report.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::vector<std::string>, tables, {},
          "the paper's tables to compare with; default: those that the results "
          "have rows of");
ABSL_FLAG(std::string, output_dir, "",
          "receives, for each file of results, the page (.md), for runs the "
          "values (.json), and the picture (.svg, .png); default: pages are "
          "printed, and nothing is written");

namespace yoloq {
namespace {

// A file, or the *.textproto of a folder in the order of their names.
absl::StatusOr<std::vector<std::string>> FilesOf(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return std::vector<std::string>{path};
  }
  std::vector<std::string> files;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".textproto") {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(path, ": cannot be listed: ", error.message()));
  }
  if (files.empty()) {
    return absl::NotFoundError(absl::StrCat(path, ": holds no .textproto"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Status Render(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const AnyResults results, ReadResults(path));
  ReportFiles files;
  files.folder = UserPath(absl::GetFlag(FLAGS_output_dir));
  files.name = std::filesystem::path(path).stem().string();
  const absl::StatusOr<std::string> page =
      WriteReport(results, absl::GetFlag(FLAGS_tables), files);
  if (!page.ok()) return Annotate(page.status(), path);
  std::fputs(page->c_str(), stdout);
  return absl::OkStatus();
}

absl::Status Main(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                           FilesOf(UserPath(path)));
    for (const std::string& file : files) {
      YOLOQ_RETURN_IF_ERROR(Render(file));
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Renders reports from results: render RESULTS.textproto...");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() < 2) {
    std::fprintf(stderr,
                 "error: results are required, as files or folders: bazel run "
                 "//reports:render -- RESULTS.textproto\n");
    return 2;
  }
  const absl::Status status = yoloq::Main({rest.begin() + 1, rest.end()});
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}
