// Brings files to a device and back: only what differs, and never half a file.
#ifndef YOLOQ_HW_REMOTE_FILE_TRANSFER_H_
#define YOLOQ_HW_REMOTE_FILE_TRANSFER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hw/remote/session.h"

namespace yoloq {

struct LocalFile {
  std::string local_path;
  // Relative to the work folder (no ".." in it), or absolute.
  std::string device_path;
  bool executable = false;
  // Of the file's contents, where the caller has it; "": it is computed.
  std::string sha256 = {};
};

struct PushReport {
  int files_sent = 0;
  int files_unchanged = 0;
  int64_t bytes_sent = 0;
};

// Sends the files whose SHA-256 on the device is another than here, each under
// a temporary name that is renamed once its digest is right. A transfer that
// was interrupted, in this call or an earlier one, goes on where it ended.
// ResourceExhausted when the device's disk is full or has too little room;
// DataLoss when a file arrives changed; errors of local files as ReadFile.
absl::StatusOr<PushReport> PushFiles(Session* session,
                                     const std::vector<LocalFile>& files);

// Fetches a file of the device; `local_path` holds all of it or stays as it
// was. NotFound when the device has no such file.
absl::Status PullFile(Session* session, const std::string& device_path,
                      const std::string& local_path);

}  // namespace yoloq

#endif  // YOLOQ_HW_REMOTE_FILE_TRANSFER_H_
