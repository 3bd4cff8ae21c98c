#include "eval/image.h"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Left half red, right half blue.
std::string TwoColours(bool progressive = false) {
  cv::Mat bgr(32, 64, CV_8UC3, cv::Scalar(0, 0, 250));
  bgr.colRange(32, 64) = cv::Scalar(250, 0, 0);
  std::vector<uint8_t> bytes;
  cv::imencode(".jpg", bgr, bytes,
               {cv::IMWRITE_JPEG_QUALITY, 95, cv::IMWRITE_JPEG_PROGRESSIVE,
                progressive ? 1 : 0});
  return std::string(bytes.begin(), bytes.end());
}

void ExpectTwoColours(const Picture& picture) {
  ASSERT_EQ(picture.width, 64);
  ASSERT_EQ(picture.height, 32);
  ASSERT_EQ(picture.rgb.size(), 64 * 32 * 3);
  const uint8_t* red = &picture.rgb[3 * (16 * 64 + 8)];
  EXPECT_NEAR(red[0], 250, 5);
  EXPECT_NEAR(red[1], 0, 5);
  EXPECT_NEAR(red[2], 0, 5);
  EXPECT_NEAR(picture.rgb[3 * (16 * 64 + 56) + 2], 250, 5);
}

TEST(DecodeJpegTest, GivesRgb) {
  for (const bool progressive : {false, true}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture,
                               DecodeJpeg(TwoColours(progressive), "a.jpg"));
    ExpectTwoColours(picture);
  }
}

TEST(DecodeJpegTest, AcceptsBytesAfterTheEnd) {
  YOLOQ_ASSERT_OK(DecodeJpeg(TwoColours() + "trailer", "a.jpg"));
}

TEST(DecodeJpegTest, IgnoresTheRotationInExif) {
  // An APP1 segment with one TIFF entry: orientation (0x0112) = 6, a quarter
  // turn.
  const char exif[] =
      "\xFF\xE1\x00\x22"
      "Exif\0\0"
      "MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
  const std::string jpeg = TwoColours();
  const std::string rotated =
      jpeg.substr(0, 2) + std::string(exif, sizeof(exif) - 1) + jpeg.substr(2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture,
                             DecodeJpeg(rotated, "a.jpg"));
  ExpectTwoColours(picture);
}

TEST(DecodeJpegTest, RefusesEveryTruncation) {
  const std::string jpeg = TwoColours();
  for (size_t size = 2; size < jpeg.size(); size += 7) {
    EXPECT_THAT(DecodeJpeg(jpeg.substr(0, size), "a.jpg"),
                StatusIs(StatusCode::kDataLoss,
                         AllOf(HasSubstr("a.jpg"), HasSubstr("truncated"))));
  }
}

TEST(DecodeJpegTest, RefusesWhatIsNoJpeg) {
  for (const std::string& bytes :
       {std::string(), std::string("\xFF"), std::string(1000, 'x'),
        std::string("\x89PNG\r\n\x1a\n")}) {
    EXPECT_THAT(
        DecodeJpeg(bytes, "a.jpg"),
        StatusIs(StatusCode::kDataLoss, HasSubstr("a.jpg: is not a JPEG")));
  }
}

TEST(DecodeJpegTest, RefusesDamagedTables) {
  std::string jpeg = TwoColours();
  // The first quantization table's number becomes impossible.
  const size_t table = jpeg.find("\xFF\xDB");
  ASSERT_NE(table, std::string::npos);
  jpeg[table + 4] = 0x0F;
  EXPECT_THAT(DecodeJpeg(jpeg, "a.jpg"),
              StatusIs(StatusCode::kDataLoss,
                       HasSubstr("a.jpg: does not decode as JPEG")));
}

TEST(DecodeJpegTest, RefusesAHugePictureBeforeReservingMemory) {
  std::string jpeg = TwoColours();
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  for (int i = 5; i < 9; ++i) jpeg[frame + i] = '\xF0';
  EXPECT_THAT(
      DecodeJpeg(jpeg, "a.jpg"),
      StatusIs(StatusCode::kDataLoss, HasSubstr("a.jpg: announces 38")));
}

TEST(EncodeJpegTest, SurvivesARoundTrip) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture,
                             DecodeJpeg(TwoColours(), "a.jpg"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string jpeg, EncodeJpeg(picture, 95));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture again, DecodeJpeg(jpeg, "b.jpg"));
  ExpectTwoColours(again);
}

TEST(EncodeJpegTest, RefusesAnEmptyPicture) {
  EXPECT_THAT(EncodeJpeg(Picture(), 95),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("0 x 0")));
}

TEST(ReadJpegTest, NamesTheFile) {
  const std::string path = JoinPath(TestFolder(), "a.jpg");
  EXPECT_THAT(ReadJpeg(path), StatusIs(StatusCode::kNotFound, HasSubstr(path)));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "text"));
  EXPECT_THAT(ReadJpeg(path), StatusIs(StatusCode::kDataLoss, HasSubstr(path)));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, TwoColours()));
  YOLOQ_ASSERT_OK(ReadJpeg(path));
}

TEST(ReadJpegTest, ReadsRealVocImages) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  const std::string path = JoinPath(
      SharedDataFolder(), "voc/VOCdevkit/VOC2007/JPEGImages/000004.jpg");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Picture picture, ReadJpeg(path));
  EXPECT_EQ(picture.width, 500);
  EXPECT_EQ(picture.height, 406);
}

}  // namespace
}  // namespace yoloq
