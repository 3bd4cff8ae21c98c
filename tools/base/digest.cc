#include "tools/base/digest.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{
      EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr);
}

Sha256::~Sha256() = default;

void Sha256::Update(absl::string_view bytes) {
  Update(bytes.data(), bytes.size());
}

void Sha256::Update(const void* data, size_t size) {
  EVP_DigestUpdate(state_->context.get(), data, size);
}

std::string Sha256::Finish() {
  unsigned char digest[32];
  unsigned int size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest, &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

std::string Sha256Hex(absl::string_view bytes) {
  Sha256 digest;
  digest.Update(bytes);
  return digest.Finish();
}

absl::StatusOr<std::string> FileSha256Hex(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return Sha256Hex(file.view());
}

}  // namespace yoloq
