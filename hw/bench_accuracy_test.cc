#include "hw/bench_accuracy.h"

#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(ListPicturesTest, TakesFilesAndLists) {
  const std::string folder = TestFolder();
  const std::string list = JoinPath(folder, "list.txt");
  YOLOQ_ASSERT_OK(
      WriteFileAtomically(list, "VOC2007/000001.ppm\n\n /abs/2.ppm \n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::vector<ListedPicture> pictures,
                             ListPictures({"/pictures/dog.ppm", list}));
  ASSERT_EQ(pictures.size(), 3u);
  EXPECT_EQ(pictures[0].id, "dog");
  EXPECT_EQ(pictures[0].path, "/pictures/dog.ppm");
  EXPECT_EQ(pictures[1].id, "VOC2007/000001");
  EXPECT_EQ(pictures[1].path, JoinPath(folder, "VOC2007/000001.ppm"));
  EXPECT_EQ(pictures[2].id, "/abs/2");
  EXPECT_EQ(pictures[2].path, "/abs/2.ppm");
}

TEST(ListPicturesTest, NamesTheListAndTheLine) {
  const std::string list = JoinPath(TestFolder(), "list.txt");
  YOLOQ_ASSERT_OK(WriteFileAtomically(list, "a.ppm\nb.jpg\n"));
  EXPECT_THAT(ListPictures({list}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("list.txt:2: 'b.jpg' is no .ppm file")));
  YOLOQ_ASSERT_OK(WriteFileAtomically(list, "\n"));
  EXPECT_THAT(ListPictures({list}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("list.txt: names no picture")));
  EXPECT_THAT(
      ListPictures({"/none/list.txt"}),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none/list.txt")));
}

}  // namespace
}  // namespace yoloq
