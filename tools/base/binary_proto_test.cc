#include "tools/base/binary_proto.h"

#include "eval/detections.pb.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(BinaryProtoTest, ReadsWhatItWrote) {
  const std::string path = JoinPath(TestFolder(), "message.pb");
  ImageDetections written;
  written.set_image_id("VOC2007/000001");
  written.add_objects()->set_score(0.5f);
  YOLOQ_ASSERT_OK(WriteBinaryProto(path, written));
  ImageDetections read;
  YOLOQ_ASSERT_OK(ReadBinaryProto(path, &read));
  EXPECT_EQ(read.image_id(), "VOC2007/000001");
  ASSERT_EQ(read.objects_size(), 1);
  EXPECT_EQ(read.objects(0).score(), 0.5f);
}

TEST(BinaryProtoTest, EqualMessagesAreEqualBytes) {
  ImageDetections message;
  message.set_image_id("a");
  EXPECT_EQ(SerializeDeterministically(message), std::string("\n\x01\x61"));
}

TEST(BinaryProtoTest, NamesTheFileAndTheTypeOfWhatIsNoMessage) {
  const std::string path = JoinPath(TestFolder(), "message.pb");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "\n\x7f truncated"));
  ImageDetections message;
  EXPECT_THAT(ReadBinaryProto(path, &message),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("message.pb: is no yoloq.ImageDetections")));
}

TEST(BinaryProtoTest, AMissingFileIsNotFound) {
  ImageDetections message;
  EXPECT_THAT(ReadBinaryProto(JoinPath(TestFolder(), "none.pb"), &message),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.pb")));
}

}  // namespace
}  // namespace yoloq
