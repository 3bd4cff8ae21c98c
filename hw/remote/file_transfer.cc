#include "hw/remote/file_transfer.h"

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int64_t kBytesPerKilobyte = 1024;  // df -k

absl::Status CheckDevicePath(const std::string& path) {
  for (const absl::string_view part : absl::StrSplit(path, '/')) {
    if (part == "..") {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", path, "\": a path on the device must not lead up by \"..\""));
    }
  }
  if (path.empty() || absl::EndsWith(path, "/")) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", path, "\" names no file on the device"));
  }
  return absl::OkStatus();
}

// SHA-256 of each file on the device; "-" where there is none.
absl::StatusOr<std::vector<std::string>> DeviceDigests(
    Session* session, const std::vector<std::string>& paths) {
  YOLOQ_ASSIGN_OR_RETURN(
      const ProcessResult result,
      session->Call("digests", paths,
                    absl::StrCat(session->spec().name(), ": digests")));
  const std::vector<std::string> digests =
      absl::StrSplit(result.output, '\n', absl::SkipEmpty());
  if (digests.size() != paths.size()) {
    return absl::InternalError(
        absl::StrCat(session->spec().name(), ": gave ", digests.size(),
                     " digests for ", paths.size(), " files: ", result.output));
  }
  return digests;
}

struct Incoming {
  int64_t arrived_bytes = 0;
  int64_t free_bytes = 0;
};

absl::StatusOr<Incoming> AskIncoming(Session* session,
                                     const std::string& digest,
                                     absl::string_view what) {
  YOLOQ_ASSIGN_OR_RETURN(const ProcessResult result,
                         session->Call("incoming", {digest}, what));
  const std::vector<std::string> words =
      absl::StrSplit(absl::StripSuffix(result.output, "\n"), ' ');
  Incoming incoming;
  if (words.size() != 2 ||
      !absl::SimpleAtoi(words[0], &incoming.arrived_bytes) ||
      !absl::SimpleAtoi(words[1], &incoming.free_bytes)) {
    return absl::InternalError(
        absl::StrCat(what, ": unexpected answer \"", result.output, "\""));
  }
  incoming.free_bytes *= kBytesPerKilobyte;
  return incoming;
}

// Sends the bytes that the device lacks of a file.
absl::Status SendBytes(Session* session, const LocalFile& file,
                       const std::string& digest, int64_t size,
                       absl::string_view what, PushReport* report) {
  Progress progress(absl::StrCat("push ", file.device_path),
                    std::max<int64_t>(size / 1000, 1), "kB");
  int64_t shown_kilobytes = 0;
  int64_t position = 0;
  const auto show = [&] {
    progress.Advance(position / 1000 - shown_kilobytes);
    shown_kilobytes = position / 1000;
  };
  for (bool first = true;; first = false) {
    YOLOQ_ASSIGN_OR_RETURN(const Incoming incoming,
                           AskIncoming(session, digest, what));
    position = std::min(incoming.arrived_bytes, size);
    if (incoming.arrived_bytes >= size) return absl::OkStatus();
    if (incoming.free_bytes < size - position) {
      return absl::ResourceExhaustedError(absl::StrFormat(
          "%s: the device's disk is full: %.1f MB are to be sent and %.1f MB "
          "are free; make room, or `bazel run //hw:remote -- --device=%s "
          "clean`",
          what, (size - position) / 1e6, incoming.free_bytes / 1e6,
          session->spec().name()));
    }
    if (first && position > 0) {
      progress.Skip(position / 1000);
      shown_kilobytes = position / 1000;
    }
    ProcessOptions options;
    options.input_path = file.local_path;
    options.input_offset = position;
    options.on_input_written = [&](int64_t bytes) {
      position += bytes;
      report->bytes_sent += bytes;
      show();
    };
    const auto sent = session->CallOnce("receive", {digest}, what, options);
    if (sent.ok()) return absl::OkStatus();
    if (sent.status().code() != absl::StatusCode::kUnavailable) {
      return sent.status();
    }
    YOLOQ_RETURN_IF_ERROR(session->Restore(sent.status()));
  }
}

absl::Status PushFile(Session* session, const LocalFile& file,
                      const std::string& digest, PushReport* report) {
  const std::string what =
      absl::StrCat(session->spec().name(), ": push ", file.local_path, " to ",
                   file.device_path);
  YOLOQ_ASSIGN_OR_RETURN(const int64_t size, FileSizeBytes(file.local_path));
  const std::vector<std::string> place = {digest, file.device_path,
                                          file.executable ? "755" : "644"};
  // What an interrupted transfer left may be damaged: the agent removes it when
  // the digest is wrong, and the second time everything is sent.
  absl::Status status;
  for (int attempt = 0; attempt < 2; ++attempt) {
    YOLOQ_RETURN_IF_ERROR(SendBytes(session, file, digest, size, what, report));
    status = session->Call("place", place, what).status();
    if (status.code() != absl::StatusCode::kDataLoss) break;
  }
  return status;
}

}  // namespace

absl::StatusOr<PushReport> PushFiles(Session* session,
                                     const std::vector<LocalFile>& files) {
  PushReport report;
  if (files.empty()) return report;
  std::vector<std::string> paths;
  std::vector<std::string> digests;
  for (const LocalFile& file : files) {
    YOLOQ_RETURN_IF_ERROR(CheckDevicePath(file.device_path));
    paths.push_back(file.device_path);
    digests.push_back(file.sha256);
    if (file.sha256.empty()) {
      YOLOQ_ASSIGN_OR_RETURN(digests.back(), FileSha256Hex(file.local_path));
    }
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> there,
                         DeviceDigests(session, paths));
  for (size_t i = 0; i < files.size(); ++i) {
    if (there[i] == digests[i]) {
      ++report.files_unchanged;
      continue;
    }
    YOLOQ_RETURN_IF_ERROR(PushFile(session, files[i], digests[i], &report));
    ++report.files_sent;
  }
  return report;
}

absl::Status PullFile(Session* session, const std::string& device_path,
                      const std::string& local_path) {
  YOLOQ_RETURN_IF_ERROR(CheckDevicePath(device_path));
  const std::string what =
      absl::StrCat(session->spec().name(), ": pull ", device_path);
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> digests,
                         DeviceDigests(session, {device_path}));
  if (digests[0] == "-") {
    return absl::NotFoundError(
        absl::StrCat(what, ": the device has no such file"));
  }
  const std::filesystem::path folder =
      std::filesystem::path(local_path).parent_path();
  if (!folder.empty()) YOLOQ_RETURN_IF_ERROR(MakeFolders(folder.string()));
  const auto fetch = [&](std::ostream& out) -> absl::Status {
    Sha256 digest;
    ProcessOptions options;
    std::string error_output;
    options.on_output = [&](OutputStream stream, absl::string_view piece) {
      if (stream == OutputStream::kStandardError) {
        absl::StrAppend(&error_output, piece);
        return;
      }
      digest.Update(piece);
      out.write(piece.data(), piece.size());
    };
    const auto result = session->CallOnce("send", {device_path}, what, options);
    if (!result.ok()) {
      return absl::Status(
          result.status().code(),
          absl::StrCat(result.status().message(), " ", error_output));
    }
    if (digest.Finish() != digests[0]) {
      return absl::DataLossError(
          absl::StrCat(what, ": what arrived differs from what is there"));
    }
    return absl::OkStatus();
  };
  for (;;) {
    const absl::Status status = WriteFileAtomically(local_path, fetch);
    if (status.code() != absl::StatusCode::kUnavailable) return status;
    YOLOQ_RETURN_IF_ERROR(session->Restore(status));
  }
}

}  // namespace yoloq
