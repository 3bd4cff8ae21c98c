#include "eval/voc.h"

#include <map>

#include "absl/strings/str_replace.h"
#include "tools/base/file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::absl::StatusCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kXml[] = R"(<annotation>
  <size><width>100</width><height>50</height><depth>3</depth></size>
  <object>
    <name>dog</name>
    <difficult>1</difficult>
    <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>100</xmax><ymax>50</ymax></bndbox>
  </object>
  <object>
    <name>tvmonitor</name>
    <bndbox><xmin>10.5</xmin><ymin>20</ymin><xmax>30.25</xmax><ymax>40</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
  </object>
</annotation>
)";

// A devkit with one image, "000001", in list "test".
class VocTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = TestFolder();
    for (const char* folder : {"ImageSets/Main", "Annotations", "JPEGImages"}) {
      YOLOQ_ASSERT_OK(MakeFolders(Path(folder)));
    }
    Write("ImageSets/Main/test.txt", "000001\n");
    Write("Annotations/000001.xml", kXml);
    Write("JPEGImages/000001.jpg", "not looked into");
  }

  std::string Path(const std::string& relative) const {
    return JoinPath(root_, "VOC2007/" + relative);
  }
  void Write(const std::string& relative, const std::string& text) {
    YOLOQ_ASSERT_OK(WriteFileAtomically(Path(relative), text));
  }
  absl::StatusOr<std::vector<VocImage>> Read(
      const std::vector<std::string>& sets = {"VOC2007/test"}) const {
    return ReadVocSets(root_, sets, VocClassNames());
  }

  std::string root_;
};

absl::Status ParseWith(const std::string& from, const std::string& to) {
  const std::string xml = absl::StrReplaceAll(kXml, {{from, to}});
  EXPECT_NE(xml, kXml) << "nothing to replace";
  return ParseVocAnnotation(xml, "a.xml", VocClassNames()).status();
}

TEST(VocClassNamesTest, AreTheTwentyInDevkitOrder) {
  ASSERT_EQ(VocClassNames().size(), 20);
  EXPECT_EQ(VocClassNames().front(), "aeroplane");
  EXPECT_EQ(VocClassNames()[14], "person");
  EXPECT_EQ(VocClassNames().back(), "tvmonitor");
}

TEST(ReadClassNamesTest, ReadsOneNameALine) {
  const std::string path = JoinPath(TestFolder(), "my.names");
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "cat\r\n\ndining table\n"));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto names, ReadClassNames(path));
  EXPECT_THAT(names, ElementsAre("cat", "dining table"));
}

TEST(ReadClassNamesTest, RefusesEmptyAndRepeated) {
  const std::string path = JoinPath(TestFolder(), "my.names");
  EXPECT_THAT(ReadClassNames(path),
              StatusIs(StatusCode::kNotFound, HasSubstr(path)));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "\n"));
  EXPECT_THAT(ReadClassNames(path),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("my.names: holds no class name")));
  YOLOQ_ASSERT_OK(WriteFileAtomically(path, "cat\ndog\ncat\n"));
  EXPECT_THAT(ReadClassNames(path),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("class cat occurs twice")));
}

TEST(ParseVocAnnotationTest, ReadsObjectsAndLeavesPartsAlone) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const VocAnnotation annotation,
      ParseVocAnnotation(kXml, "a.xml", VocClassNames()));
  EXPECT_EQ(annotation.width, 100);
  EXPECT_EQ(annotation.height, 50);
  ASSERT_EQ(annotation.objects.size(), 2);
  EXPECT_EQ(annotation.objects[0].class_index, 11);
  EXPECT_TRUE(annotation.objects[0].difficult);
  EXPECT_EQ(annotation.objects[0].box.left, 1);
  EXPECT_EQ(annotation.objects[0].box.top, 2);
  EXPECT_EQ(annotation.objects[0].box.right, 100);
  EXPECT_EQ(annotation.objects[0].box.bottom, 50);
  EXPECT_EQ(annotation.objects[1].class_index, 19);
  EXPECT_FALSE(annotation.objects[1].difficult);
  EXPECT_EQ(annotation.objects[1].box.left, 10.5f);
  EXPECT_EQ(annotation.objects[1].box.right, 30.25f);
}

TEST(ParseVocAnnotationTest, NamesTheFieldOfEveryError) {
  struct Case {
    std::string from, to, message;
  };
  for (const Case& c : std::vector<Case>{
           {"<width>100</width>", "", "a.xml: size/width: is missing"},
           {"<width>100<", "<width>0<", "size/width: 0 is not a whole number"},
           {"<width>100<", "<width>9e9<", "is not a whole number of pixels"},
           {"<height>50<", "<height>tall<", "size/height: 'tall' is not a num"},
           {"<name>dog</name>", "", "a.xml: object 1/name: is missing"},
           {"tvmonitor", "television",
            "object 2/name: 'television' is none of the 20 classes"},
           {"<difficult>1", "<difficult>yes",
            "object 1/difficult: 'yes' is neither 0 nor 1"},
           {"<xmin>10.5<", "<xmin><", "object 2/bndbox/xmin: '' is not a num"},
           {"<xmin>10.5<", "<xmin>nan<", "object 2/bndbox/xmin: 'nan' is not"},
           {"<ymax>40</ymax>", "", "object 2/bndbox/ymax: is missing"},
           {"<bndbox><xmin>10.5", "<box><xmin>10.5",
            "malformed XML near line "
            "10"},
           {"<xmin>10.5", "<xmin>31", "object 2/bndbox: is inverted: xmin 31"},
           {"<ymax>40", "<ymax>19", "object 2/bndbox: is inverted"},
           {"<xmax>100", "<xmax>102",
            "object 1/bndbox: lies outside the image of 100 x 50 pixels"},
           {"<ymin>2<", "<ymin>-1<", "object 1/bndbox: lies outside"},
           {"</annotation>", "", "a.xml: is malformed XML near line 1"}}) {
    EXPECT_THAT(ParseWith(c.from, c.to),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(c.message)));
  }
  EXPECT_THAT(ParseVocAnnotation("<html/>", "a.xml", VocClassNames()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a.xml: annotation: is missing")));
  EXPECT_THAT(ParseVocAnnotation("", "a.xml", VocClassNames()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("a.xml")));
}

TEST(ParseVocAnnotationTest, AnObjectWithoutBoxIsAnError) {
  EXPECT_THAT(ParseVocAnnotation(
                  "<annotation><size><width>9</width><height>9</height></size>"
                  "<object><name>cat</name></object></annotation>",
                  "a.xml", VocClassNames()),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("a.xml: object 1/bndbox: is missing")));
}

TEST(ParseVocAnnotationTest, ToleratesAPixelOfRounding) {
  YOLOQ_ASSERT_OK(ParseWith("<xmax>100", "<xmax>101"));
  YOLOQ_ASSERT_OK(ParseWith("<ymin>2<", "<ymin>0<"));
}

TEST_F(VocTest, ReadsASet) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto images, Read());
  ASSERT_EQ(images.size(), 1);
  EXPECT_EQ(images[0].id, "VOC2007/000001");
  EXPECT_EQ(images[0].jpeg_path, Path("JPEGImages/000001.jpg"));
  EXPECT_EQ(images[0].annotation.objects.size(), 2);
}

TEST_F(VocTest, ReadsListsWithLabelsBlankLinesAndCarriageReturns) {
  Write("ImageSets/Main/dog_test.txt", "\n000001  1\r\n000002 -1\n\n3 0");
  YOLOQ_ASSERT_OK_AND_ASSIGN(const auto ids,
                             ReadImageSet(root_, "VOC2007/dog_test"));
  EXPECT_THAT(ids, ElementsAre("000001", "000002", "3"));
}

TEST_F(VocTest, RefusesMalformedLists) {
  std::map<std::string, std::string> cases = {
      {"\n \n", "bad.txt: is empty"},
      {"1\n2 3\n", "bad.txt:2: is not an image id"},
      {"1 1 1\n", "bad.txt:1: is not an image id"},
      {"../1\n", "bad.txt:1: '../1' is not an image id"},
      {"1\n2\n1\n", "bad.txt: image 1 occurs twice"}};
  for (const auto& [text, message] : cases) {
    Write("ImageSets/Main/bad.txt", text);
    EXPECT_THAT(ReadImageSet(root_, "VOC2007/bad"),
                StatusIs(StatusCode::kInvalidArgument, HasSubstr(message)));
  }
  EXPECT_THAT(ReadImageSet(root_, "test"),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("YEAR/LIST")));
}

TEST_F(VocTest, SaysWhichFileIsMissingAndHowToGetIt) {
  EXPECT_THAT(
      ReadVocSets(root_ + "/nowhere", {"VOC2007/test"}, VocClassNames()),
      StatusIs(StatusCode::kNotFound,
               AllOf(HasSubstr("nowhere"), HasSubstr("tools/fetch_voc"))));
  EXPECT_THAT(Read({"VOC2012/val"}),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("VOC2012: there is no such folder"),
                             HasSubstr("tools/fetch_voc"))));
  EXPECT_THAT(Read({"VOC2007/val"}),
              StatusIs(StatusCode::kNotFound,
                       AllOf(HasSubstr("Main/val.txt: there is no such list"),
                             HasSubstr("tools/fetch_voc"))));
  Write("ImageSets/Main/test.txt", "000001\n000002\n");
  EXPECT_THAT(Read(), StatusIs(StatusCode::kNotFound,
                               AllOf(HasSubstr("Annotations/000002.xml"),
                                     HasSubstr("tools/fetch_voc"))));
  Write("Annotations/000002.xml", kXml);
  EXPECT_THAT(Read(), StatusIs(StatusCode::kNotFound,
                               AllOf(HasSubstr("JPEGImages/000002.jpg"),
                                     HasSubstr("tools/fetch_voc"))));
}

TEST_F(VocTest, NamesTheAnnotationThatIsWrong) {
  Write("Annotations/000001.xml", "<annotation>");
  EXPECT_THAT(Read(), StatusIs(StatusCode::kInvalidArgument,
                               HasSubstr(Path("Annotations/000001.xml"))));
}

TEST_F(VocTest, RefusesAnImageThatIsInTwoSets) {
  Write("ImageSets/Main/val.txt", "000001\n");
  EXPECT_THAT(Read({"VOC2007/test", "VOC2007/val"}),
              StatusIs(StatusCode::kInvalidArgument,
                       HasSubstr("image VOC2007/000001 occurs twice")));
}

// The counts that shared/voc/README.md gives.
TEST(VocRealDataTest, ReadsTheSubset) {
  YOLOQ_SKIP_WITHOUT_SHARED_DATA();
  const std::string root = JoinPath(SharedDataFolder(), "voc/VOCdevkit");
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto test, ReadVocSets(root, {"VOC2007/test"}, VocClassNames()));
  EXPECT_EQ(test.size(), 510);
  std::map<std::string, int> counts;
  for (const VocImage& image : test) {
    for (const GroundTruthObject& object : image.annotation.objects) {
      if (!object.difficult) ++counts[VocClassNames()[object.class_index]];
    }
  }
  EXPECT_EQ(counts["car"], 394);
  EXPECT_EQ(counts["person"], 299);
  EXPECT_EQ(counts["cat"], 125);
  EXPECT_EQ(counts["bird"], 1);
  EXPECT_EQ(counts["diningtable"], 2);
  YOLOQ_ASSERT_OK_AND_ASSIGN(
      const auto train,
      ReadVocSets(root, {"VOC2007/trainval", "VOC2012/trainval"},
                  VocClassNames()));
  EXPECT_EQ(train.size(), 2000);
  EXPECT_EQ(train[1136].id.substr(0, 8), "VOC2012/");
}

}  // namespace
}  // namespace yoloq
