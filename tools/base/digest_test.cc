#include "tools/base/digest.h"

#include "gtest/gtest.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// FIPS 180-2, appendix B.1.
constexpr char kAbc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, KnownAnswer) {
  EXPECT_EQ(Sha256Hex("abc"), kAbc);
  Sha256 pieces;
  pieces.Update("a");
  pieces.Update("bc");
  EXPECT_EQ(pieces.Finish(), kAbc);
}

TEST(DigestTest, File) {
  const std::string path = JoinPath(TestFolder(), "abc");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "abc"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string hex, FileSha256Hex(path));
  EXPECT_EQ(hex, kAbc);
}

}  // namespace
}  // namespace yoloq
