#include "hw/counting/counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace yoloq {
namespace {

// plugin.c knows it too.
constexpr long kMarker = 0x796f6c;

volatile const uint64_t* counter = nullptr;

}  // namespace

absl::Status OpenInstructionCounter(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY);
  if (file < 0) {
    return absl::NotFoundError(absl::StrCat("instruction counter: ", path, ": ",
                                            std::strerror(errno)));
  }
  void* const memory =
      mmap(nullptr, sizeof(uint64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) {
    return absl::InternalError(absl::StrCat("instruction counter: ", path, ": ",
                                            std::strerror(errno)));
  }
  counter = static_cast<volatile const uint64_t*>(memory);
  if (CountedInstructions() == 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "instruction counter: nothing counts into ", path,
        "; run the program through bazel run //hw:count_instructions"));
  }
  return absl::OkStatus();
}

int64_t CountedInstructions() {
  syscall(kMarker);
  return static_cast<int64_t>(*counter);
}

}  // namespace yoloq
