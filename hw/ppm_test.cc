#include "hw/ppm.h"

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PpmTest, ReadsWhatIsWritten) {
  const std::string path = JoinPath(TestFolder(), "a.ppm");
  const Picture written{2, 1, {1, 2, 3, 250, 10, 32}};
  EXPECT_EQ(EncodePpm(written),
            std::string("P6\n2 1\n255\n\x01\x02\x03\xfa\n "));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, EncodePpm(written)));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture, ReadPpm(path));
  EXPECT_EQ(picture.width, 2);
  EXPECT_EQ(picture.height, 1);
  EXPECT_THAT(picture.rgb, ElementsAre(1, 2, 3, 250, 10, 32));
}

struct BadPpm {
  std::string bytes;
  absl::StatusCode code;
  std::string message;
};

TEST(PpmTest, SaysWhatIsWrong) {
  using absl::StatusCode;
  for (const BadPpm& bad : std::vector<BadPpm>{
           {"", StatusCode::kInvalidArgument, "no binary PPM"},
           {"P3\n1 1\n255\n1 2 3", StatusCode::kInvalidArgument, "not P6"},
           {"P6", StatusCode::kInvalidArgument, "width and height"},
           {"P6\n0 1\n255\n", StatusCode::kInvalidArgument, "from 1 on"},
           {"P6\n-1 1\n255\nabc", StatusCode::kInvalidArgument, "from 1 on"},
           {"P61 1\n255\nabc", StatusCode::kInvalidArgument, "from 1 on"},
           {"P6\n99999999 99999999\n255\n", StatusCode::kInvalidArgument,
            "2^26"},
           {"P6\n9999999999 1\n255\n", StatusCode::kInvalidArgument, "2^26"},
           {"P6\n1 1\n65535\nabcdef", StatusCode::kInvalidArgument, "not 255"},
           {"P6\n1 1\n255", StatusCode::kDataLoss, "behind its header"},
           {"P6\n1 1\n255\nab", StatusCode::kDataLoss,
            "holds 2 bytes of pixels, its header says 3"},
           {"P6\n1 1\n255\nabcd", StatusCode::kDataLoss, "holds 4 bytes"},
       }) {
    EXPECT_THAT(DecodePpm(bad.bytes, "x.ppm"),
                StatusIs(bad.code, HasSubstr(bad.message)))
        << bad.bytes;
    EXPECT_THAT(DecodePpm(bad.bytes, "x.ppm"),
                StatusIs(bad.code, HasSubstr("x.ppm: ")));
  }
}

TEST(PpmTest, NamesAMissingFile) {
  EXPECT_THAT(ReadPpm("/none/a.ppm"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/a.ppm")));
}

}  // namespace
}  // namespace yoloq
