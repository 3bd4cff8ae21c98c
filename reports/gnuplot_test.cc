#include "reports/gnuplot.h"

#include "absl/strings/str_cat.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(GnuplotStringTest, IsOneQuotedLine) {
  EXPECT_EQ(GnuplotString(""), "''");
  EXPECT_EQ(GnuplotString("it's \"so\" \\n"), "'it''s \"so\" \\n'");
  EXPECT_EQ(GnuplotString("two\nlines\t\x7f"), "'two lines  '");
  EXPECT_EQ(GnuplotString("\xe2\x82\xac"), "'\xe2\x82\xac'");
}

TEST(WrapTextTest, BreaksAtSpaces) {
  EXPECT_THAT(WrapText("", 10), IsEmpty());
  EXPECT_THAT(WrapText("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(WrapText("one  two three", 8), ElementsAre("one two", "three"));
  EXPECT_THAT(WrapText("a longerword b", 4),
              ElementsAre("a", "longerword", "b"));
  // Three code points of two bytes each.
  EXPECT_THAT(WrapText("\xc3\xa4\xc3\xa4\xc3\xa4 b", 5),
              ElementsAre("\xc3\xa4\xc3\xa4\xc3\xa4 b"));
}

TEST(WritePicturesTest, WritesBothFormats) {
  const std::string folder = TestFolder();
  const std::string svg = JoinPath(folder, "it's.svg");
  const std::string png = JoinPath(folder, "picture.png");
  YOLOQ_ASSERT_OK(WritePictures("set title 'an \"odd\" title'\nplot [0:1] x\n",
                                300, 200, svg, png));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string svg_text, ReadFile(svg));
  EXPECT_THAT(
      svg_text,
      AllOf(HasSubstr("<svg"), HasSubstr("width=\"300\""), HasSubstr("</svg>"),
            HasSubstr("\"DejaVu Sans, Verdana, sans-serif\"")));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string png_bytes, ReadFile(png));
  ASSERT_GE(png_bytes.size(), 24);
  EXPECT_EQ(png_bytes.substr(0, 4), "\x89PNG");
  // Width and height, big-endian, in the first chunk.
  EXPECT_EQ(png_bytes.substr(16, 8), std::string("\0\0\2\x58\0\0\1\x90", 8));
}

TEST(WritePicturesTest, TextIsNotEvaluated) {
  const std::string folder = TestFolder();
  const std::string trap = JoinPath(folder, "trap");
  const std::string command = absl::StrCat("touch ", trap);
  const std::string text = absl::StrCat("`", command, "` '.system('", command,
                                        "').' \" $(", command, ")");
  YOLOQ_ASSERT_OK(WritePictures(
      absl::StrCat("set title ", GnuplotString(text), "\nplot [0:1] x\n"), 300,
      200, JoinPath(folder, "a.svg"), ""));
  EXPECT_FALSE(PathExists(trap));
}

TEST(WritePicturesTest, AScriptThatFailsIsAnErrorAndKeepsTheOldPicture) {
  const std::string svg = JoinPath(TestFolder(), "a.svg");
  YOLOQ_ASSERT_OK(WriteFileAtomically(svg, "old"));
  EXPECT_THAT(WritePictures("plot nonsense(\n", 300, 200, svg, ""),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr(svg), HasSubstr("gnuplot"),
                             HasSubstr("nonsense"))));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const std::string kept, ReadFile(svg));
  EXPECT_EQ(kept, "old");
}

TEST(WritePicturesTest, WithoutGnuplotSaysHowToInstallIt) {
  const std::string svg = JoinPath(TestFolder(), "a.svg");
  EXPECT_THAT(
      WritePictures("plot x\n", 300, 200, svg, "", "/nowhere/gnuplot"),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               AllOf(HasSubstr("/nowhere/gnuplot"), HasSubstr("tools/setup"),
                     HasSubstr("gnuplot-nox"))));
  EXPECT_FALSE(PathExists(svg));
}

TEST(WritePicturesTest, AFolderThatIsNotThereIsNamed) {
  const std::string svg = JoinPath(TestFolder(), "no/a.svg");
  EXPECT_THAT(WritePictures("plot x\n", 300, 200, svg, ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr(svg)));
}

}  // namespace
}  // namespace yoloq
