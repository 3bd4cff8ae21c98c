// Files: whole reads, atomic writes, memory maps. Every error names the path.
#ifndef YOLOQ_TOOLS_BASE_FILE_H_
#define YOLOQ_TOOLS_BASE_FILE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// The whole file. NotFound when it does not exist, PermissionDenied,
// InvalidArgument when it is a folder, Unavailable on other read errors.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes a temporary file beside `path`, flushes it to disk and renames it:
// readers see the old content or the new, never a part. On an error (a full
// disk: ResourceExhausted) the temporary is removed and `path` is untouched.
absl::Status WriteFileAtomically(const std::string& path,
                                 absl::string_view contents);

// The same for content that is produced piece by piece.
absl::Status WriteFileAtomically(
    const std::string& path,
    const std::function<absl::Status(std::ostream&)>& write);

// Creates the folder and its parents; an existing folder is fine.
absl::Status MakeFolders(const std::string& path);

// True when something exists at `path`.
bool PathExists(const std::string& path);

// Size in bytes.
absl::StatusOr<int64_t> FileSizeBytes(const std::string& path);

// `a/b`, with exactly one slash; an absolute `b` is returned as it is.
std::string JoinPath(absl::string_view a, absl::string_view b);

// A read-only memory map of a whole file. Movable.
class MappedFile {
 public:
  // Errors as ReadFile. An empty file maps to size() == 0.
  static absl::StatusOr<MappedFile> Open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }
  absl::string_view view() const {
    return absl::string_view(reinterpret_cast<const char*>(data_), size_);
  }

  // Lets go of the memory behind the whole pages of a range inside the file;
  // they are read again when next touched.
  void Release(size_t offset_bytes, size_t size_bytes) const;

 private:
  MappedFile() = default;

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_FILE_H_
