#include "experiments/stage_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "experiments/stage_cache.pb.h"
#include "google/protobuf/text_format.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

namespace fs = std::filesystem;

constexpr char kManifest[] = "MANIFEST.textproto";

// Larger files are checked by size alone at each use; their readers (the
// deployable file's) check their own digests.
constexpr int64_t kLargestDigested = int64_t{32} << 20;

// Holds an exclusive lock on a file while it lives.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : fd_(open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() {
    if (fd_ >= 0) close(fd_);
  }

 private:
  int fd_;
};

absl::Status RemoveFolder(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(folder, ": cannot be removed: ", error.message()));
}

absl::StatusOr<std::vector<std::string>> FilesIn(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file(error)) {
      names.push_back(it->path().filename().string());
    }
  }
  if (error) {
    return absl::UnavailableError(
        absl::StrCat(folder, ": cannot be listed: ", error.message()));
  }
  return names;
}

absl::Status WriteManifest(const StageInputs& inputs, double seconds,
                           const std::string& folder) {
  StageManifest manifest;
  manifest.set_stage(inputs.stage());
  manifest.set_inputs(inputs.text());
  manifest.set_seconds(seconds);
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> names, FilesIn(folder));
  for (const std::string& name : names) {
    const std::string path = JoinPath(folder, name);
    StageManifest::File* file = manifest.add_files();
    file->set_name(name);
    YOLOQ_ASSIGN_OR_RETURN(const int64_t size_bytes, FileSizeBytes(path));
    file->set_size_bytes(size_bytes);
    YOLOQ_ASSIGN_OR_RETURN(const std::string sha256, FileSha256Hex(path));
    file->set_sha256(sha256);
  }
  return WriteTextProto(JoinPath(folder, kManifest), manifest);
}

absl::Status Damaged(const std::string& folder, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(folder, ": damaged cache entry: ", what,
                   "; remove this folder and run again to make it anew"));
}

absl::Status CheckFile(const std::string& folder,
                       const StageManifest::File& file) {
  const std::string path = JoinPath(folder, file.name());
  const absl::StatusOr<int64_t> size_bytes = FileSizeBytes(path);
  if (!size_bytes.ok()) {
    return Damaged(folder, absl::StrCat(file.name(), " is missing"));
  }
  if (*size_bytes != file.size_bytes()) {
    return Damaged(folder,
                   absl::StrCat(file.name(), " has ", *size_bytes,
                                " bytes instead of ", file.size_bytes()));
  }
  if (*size_bytes > kLargestDigested) return absl::OkStatus();
  YOLOQ_ASSIGN_OR_RETURN(const std::string sha256, FileSha256Hex(path));
  if (sha256 != file.sha256()) {
    return Damaged(folder, absl::StrCat(file.name(), " was altered"));
  }
  return absl::OkStatus();
}

absl::StatusOr<StageManifest> ReadManifest(const StageInputs& inputs,
                                           const std::string& folder) {
  StageManifest manifest;
  const absl::Status read =
      ReadTextProto(JoinPath(folder, kManifest), &manifest);
  if (!read.ok()) return Damaged(folder, read.message());
  if (manifest.inputs() != inputs.text()) {
    return Damaged(folder, "its manifest is of other inputs");
  }
  for (const StageManifest::File& file : manifest.files()) {
    YOLOQ_RETURN_IF_ERROR(CheckFile(folder, file));
  }
  return manifest;
}

absl::Status Publish(const std::string& partial, const std::string& folder) {
  std::error_code error;
  fs::rename(partial, folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(folder, ": cannot be created: ", error.message()));
}

}  // namespace

StageInputs::StageInputs(absl::string_view stage, int version)
    : stage_(stage),
      text_(absl::StrCat("stage: ", stage, "\nversion: ", version, "\n")) {}

void StageInputs::Add(absl::string_view name, absl::string_view value) {
  // Continuation lines are indented, so that no value can look like a field.
  absl::StrAppend(&text_, name, ": ",
                  absl::StrReplaceAll(value, {{"\n", "\n  "}}), "\n");
}

void StageInputs::Add(absl::string_view name,
                      const google::protobuf::Message& value) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintToString(value, &text);
  Add(name, text);
}

std::string StageInputs::Key() const { return Sha256Hex(text_); }

StageCache::StageCache(std::string root, std::set<std::string> rerun)
    : root_(std::move(root)), rerun_(std::move(rerun)) {}

absl::StatusOr<StageEntry> StageCache::Get(
    const StageInputs& inputs,
    const std::function<absl::Status(const std::string& folder)>& make) {
  using Clock = std::chrono::steady_clock;
  const std::string key = inputs.Key();
  const std::string stage_folder = JoinPath(root_, inputs.stage());
  YOLOQ_RETURN_IF_ERROR(MakeFolders(stage_folder));
  StageEntry entry;
  entry.folder = JoinPath(stage_folder, key);
  entry.record.set_name(inputs.stage());
  entry.record.set_key(key);

  const FileLock lock(entry.folder + ".lock");
  const bool anew = rerun_.count(inputs.stage()) > 0 && made_.count(key) == 0;
  if (anew) YOLOQ_RETURN_IF_ERROR(RemoveFolder(entry.folder));
  if (PathExists(entry.folder)) {
    YOLOQ_ASSIGN_OR_RETURN(const StageManifest manifest,
                           ReadManifest(inputs, entry.folder));
    entry.record.set_cached(made_.count(key) == 0);
    entry.record.set_seconds(manifest.seconds());
    return entry;
  }
  const std::string partial = entry.folder + ".partial";
  YOLOQ_RETURN_IF_ERROR(MakeFolders(partial));
  const Clock::time_point start = Clock::now();
  YOLOQ_RETURN_IF_ERROR(make(partial));
  const double seconds =
      std::chrono::duration<double>(Clock::now() - start).count();
  YOLOQ_RETURN_IF_ERROR(WriteManifest(inputs, seconds, partial));
  YOLOQ_RETURN_IF_ERROR(Publish(partial, entry.folder));
  made_.insert(key);
  entry.record.set_seconds(seconds);
  return entry;
}

}  // namespace yoloq
