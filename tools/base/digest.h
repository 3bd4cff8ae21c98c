// SHA-256 of bytes and of files, in lower-case hexadecimal.
#ifndef YOLOQ_TOOLS_BASE_DIGEST_H_
#define YOLOQ_TOOLS_BASE_DIGEST_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace yoloq {

// Digests bytes that arrive in pieces.
//
//   Sha256 digest;
//   digest.Update("a");
//   digest.Update("b");
//   std::string hex = digest.Finish();   // 64 digits; use the object once
class Sha256 {
 public:
  Sha256();
  ~Sha256();

  void Update(absl::string_view bytes);
  void Update(const void* data, size_t size);
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string Sha256Hex(absl::string_view bytes);

// The digest of a file's content; errors as ReadFile.
absl::StatusOr<std::string> FileSha256Hex(const std::string& path);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_DIGEST_H_
