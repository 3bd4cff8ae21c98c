// A training's state in one file: the magic "yoloqck1", the header's size
// (uint64), the header (CheckpointHeader), the values of its tensors (float32),
// and the SHA-256 of all that (64 hexadecimal digits); little-endian.
#ifndef YOLOQ_MODEL_TRAINING_CHECKPOINT_H_
#define YOLOQ_MODEL_TRAINING_CHECKPOINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/training/training.pb.h"

namespace yoloq {

// Where the values of a tensor lie in memory.
struct CheckpointTensor {
  std::string name;
  float* values = nullptr;
  int64_t elements = 0;
};

// Writes the file atomically; the header's `tensors` are filled in. Errors as
// WriteFileAtomically; InvalidArgument when the header passes the 16 MiB that
// are read again.
absl::Status WriteCheckpoint(const std::string& path, CheckpointHeader header,
                             const std::vector<CheckpointTensor>& tensors);

// Reads the file into the tensors and returns its header. NotFound when there
// is none. DataLoss when it is damaged, FailedPrecondition when it is of
// another training (fingerprint or tensors differ); then nothing is changed.
absl::StatusOr<CheckpointHeader> ReadCheckpoint(
    const std::string& path, absl::string_view fingerprint,
    const std::vector<CheckpointTensor>& tensors);

// The same of the bytes of a file; `path` is for the errors.
absl::StatusOr<CheckpointHeader> ParseCheckpoint(
    const std::string& path, absl::string_view bytes,
    absl::string_view fingerprint,
    const std::vector<CheckpointTensor>& tensors);

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_CHECKPOINT_H_
