#include "eval/voc.h"

#include <algorithm>
#include <cmath>
#include <pugixml.hpp>
#include <unordered_set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/base/file.h"
#include "tools/base/parallel.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kReadingThreads = 2;

// Some annotation tools count from 0 or round outwards.
constexpr float kRoundingPixels = 1;

// No JPEG is larger in either direction.
constexpr int kMaxSide = 65535;

constexpr absl::string_view kFetchHint =
    "tools/fetch_voc downloads the official data";

// The annotation that is being read, for errors.
class Context {
 public:
  explicit Context(absl::string_view file) : file_(file) {}

  Context In(absl::string_view field) const {
    Context inner = *this;
    absl::StrAppend(&inner.field_, field_.empty() ? "" : "/", field);
    return inner;
  }

  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ": ", field_, field_.empty() ? "" : ": ", what));
  }

 private:
  absl::string_view file_;
  std::string field_;
};

absl::StatusOr<pugi::xml_node> RequiredChild(const pugi::xml_node& parent,
                                             const char* name,
                                             const Context& context) {
  pugi::xml_node child = parent.child(name);
  if (!child) return context.In(name).Error("is missing");
  return child;
}

absl::StatusOr<float> Number(const pugi::xml_node& parent, const char* name,
                             const Context& context) {
  YOLOQ_ASSIGN_OR_RETURN(const pugi::xml_node child,
                         RequiredChild(parent, name, context));
  float value;
  if (!absl::SimpleAtof(child.child_value(), &value) || !std::isfinite(value)) {
    return context.In(name).Error(
        absl::StrCat("'", child.child_value(), "' is not a number"));
  }
  return value;
}

absl::StatusOr<int> Side(const pugi::xml_node& size, const char* name,
                         const Context& context) {
  YOLOQ_ASSIGN_OR_RETURN(const float value, Number(size, name, context));
  if (value < 1 || value > kMaxSide || value != std::floor(value)) {
    return context.In(name).Error(absl::StrCat(
        value, " is not a whole number of pixels from 1 to ", kMaxSide));
  }
  return static_cast<int>(value);
}

absl::Status CheckBox(const Box& box, int width, int height,
                      const Context& context) {
  if (box.right < box.left || box.bottom < box.top) {
    return context.Error(absl::StrCat("is inverted: xmin ", box.left, ", ymin ",
                                      box.top, ", xmax ", box.right, ", ymax ",
                                      box.bottom));
  }
  if (box.left < 1 - kRoundingPixels || box.top < 1 - kRoundingPixels ||
      box.right > width + kRoundingPixels ||
      box.bottom > height + kRoundingPixels) {
    return context.Error(absl::StrCat("lies outside the image of ", width,
                                      " x ", height, " pixels: xmin ", box.left,
                                      ", ymin ", box.top, ", xmax ", box.right,
                                      ", ymax ", box.bottom));
  }
  return absl::OkStatus();
}

absl::StatusOr<Box> ParseBox(const pugi::xml_node& object,
                             const Context& context) {
  YOLOQ_ASSIGN_OR_RETURN(const pugi::xml_node node,
                         RequiredChild(object, "bndbox", context));
  const Context inside = context.In("bndbox");
  Box box;
  YOLOQ_ASSIGN_OR_RETURN(box.left, Number(node, "xmin", inside));
  YOLOQ_ASSIGN_OR_RETURN(box.top, Number(node, "ymin", inside));
  YOLOQ_ASSIGN_OR_RETURN(box.right, Number(node, "xmax", inside));
  YOLOQ_ASSIGN_OR_RETURN(box.bottom, Number(node, "ymax", inside));
  return box;
}

absl::StatusOr<bool> ParseDifficult(const pugi::xml_node& object,
                                    const Context& context) {
  const pugi::xml_node node = object.child("difficult");
  if (!node) return false;
  const absl::string_view value =
      absl::StripAsciiWhitespace(node.child_value());
  if (value == "0" || value == "1") return value == "1";
  return context.In("difficult")
      .Error(absl::StrCat("'", value, "' is neither 0 nor 1"));
}

absl::StatusOr<int> ParseClass(const pugi::xml_node& object,
                               absl::Span<const std::string> class_names,
                               const Context& context) {
  YOLOQ_ASSIGN_OR_RETURN(const pugi::xml_node node,
                         RequiredChild(object, "name", context));
  const absl::string_view name = absl::StripAsciiWhitespace(node.child_value());
  const auto found = std::find(class_names.begin(), class_names.end(), name);
  if (found == class_names.end()) {
    return context.In("name").Error(absl::StrCat(
        "'", name, "' is none of the ", class_names.size(), " classes (",
        class_names.empty() ? "" : class_names[0], ", ...)"));
  }
  return static_cast<int>(found - class_names.begin());
}

int LineOf(absl::string_view text, ptrdiff_t offset) {
  const ptrdiff_t end =
      std::min<ptrdiff_t>(std::max<ptrdiff_t>(offset, 0), text.size());
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + end, '\n'));
}

absl::Status ParseLine(absl::string_view line, const std::string& path,
                       int number, std::vector<std::string>* ids) {
  const std::vector<absl::string_view> columns =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (columns.empty()) return absl::OkStatus();
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", number, ": ", what));
  };
  int label = 0;
  if (columns.size() > 2 ||
      (columns.size() == 2 &&
       (!absl::SimpleAtoi(columns[1], &label) || label < -1 || label > 1))) {
    return error("is not an image id, or an image id with 1, 0 or -1 after it");
  }
  if (columns[0].find('/') != absl::string_view::npos || columns[0] == "..") {
    return error(absl::StrCat("'", columns[0], "' is not an image id"));
  }
  ids->emplace_back(columns[0]);
  return absl::OkStatus();
}

absl::Status CheckUnique(const std::vector<std::string>& ids,
                         absl::string_view where) {
  std::unordered_set<std::string> seen;
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": image ", id, " occurs twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadAnnotation(absl::Span<const std::string> class_names,
                            VocImage* image) {
  for (const std::string* path : {&image->xml_path, &image->jpeg_path}) {
    if (!PathExists(*path)) {
      return absl::NotFoundError(absl::StrCat(
          *path, ": does not exist, but its image set names it; ", kFetchHint));
    }
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::string xml, ReadFile(image->xml_path));
  YOLOQ_ASSIGN_OR_RETURN(image->annotation,
                         ParseVocAnnotation(xml, image->xml_path, class_names));
  return absl::OkStatus();
}

}  // namespace

const std::vector<std::string>& VocClassNames() {
  static const auto& names = *new std::vector<std::string>{
      "aeroplane",   "bicycle", "bird",  "boat",      "bottle",
      "bus",         "car",     "cat",   "chair",     "cow",
      "diningtable", "dog",     "horse", "motorbike", "person",
      "pottedplant", "sheep",   "sofa",  "train",     "tvmonitor"};
  return names;
}

absl::StatusOr<std::vector<std::string>> ReadClassNames(
    const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (!line.empty()) names.emplace_back(line);
  }
  if (names.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": holds no class name; write one a line"));
  }
  std::unordered_set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": class ", name, " occurs twice"));
    }
  }
  return names;
}

absl::StatusOr<VocAnnotation> ParseVocAnnotation(
    absl::string_view xml, absl::string_view name,
    absl::Span<const std::string> class_names) {
  const Context context(name);
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(xml.data(), xml.size());
  if (!parsed) {
    return context.Error(absl::StrCat("is malformed XML near line ",
                                      LineOf(xml, parsed.offset), ": ",
                                      parsed.description()));
  }
  YOLOQ_ASSIGN_OR_RETURN(const pugi::xml_node root,
                         RequiredChild(document, "annotation", context));
  YOLOQ_ASSIGN_OR_RETURN(const pugi::xml_node size,
                         RequiredChild(root, "size", context));
  VocAnnotation result;
  YOLOQ_ASSIGN_OR_RETURN(result.width, Side(size, "width", context.In("size")));
  YOLOQ_ASSIGN_OR_RETURN(result.height,
                         Side(size, "height", context.In("size")));
  for (const pugi::xml_node& node : root.children("object")) {
    const Context at =
        context.In(absl::StrCat("object ", result.objects.size() + 1));
    GroundTruthObject object;
    YOLOQ_ASSIGN_OR_RETURN(object.class_index,
                           ParseClass(node, class_names, at));
    YOLOQ_ASSIGN_OR_RETURN(object.difficult, ParseDifficult(node, at));
    YOLOQ_ASSIGN_OR_RETURN(object.box, ParseBox(node, at));
    YOLOQ_RETURN_IF_ERROR(
        CheckBox(object.box, result.width, result.height, at.In("bndbox")));
    result.objects.push_back(object);
  }
  return result;
}

absl::StatusOr<std::vector<std::string>> ReadImageSet(
    const std::string& voc_root, absl::string_view set) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(set, absl::MaxSplits('/', 1));
  if (parts.first.empty() || parts.second.empty() ||
      parts.second.find('/') != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(
        "image set '", set, "' is not YEAR/LIST, such as VOC2007/test"));
  }
  const std::string folder = JoinPath(voc_root, parts.first);
  for (const std::string& path : {voc_root, folder}) {
    if (!PathExists(path)) {
      return absl::NotFoundError(absl::StrCat(
          path, ": there is no such folder for image set ", set,
          "; give the VOCdevkit folder as --voc_root, or get one: ",
          kFetchHint));
    }
  }
  const std::string path =
      JoinPath(folder, absl::StrCat("ImageSets/Main/", parts.second, ".txt"));
  if (!PathExists(path)) {
    return absl::NotFoundError(
        absl::StrCat(path, ": there is no such list; ", kFetchHint));
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  std::vector<std::string> ids;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    YOLOQ_RETURN_IF_ERROR(ParseLine(line, path, ++number, &ids));
  }
  if (ids.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": is empty; an image set names at least one image"));
  }
  YOLOQ_RETURN_IF_ERROR(CheckUnique(ids, path));
  return ids;
}

absl::StatusOr<std::vector<VocImage>> ReadVocSets(
    const std::string& voc_root, absl::Span<const std::string> sets,
    absl::Span<const std::string> class_names) {
  std::vector<VocImage> images;
  std::vector<std::string> ids;
  for (const std::string& set : sets) {
    YOLOQ_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                           ReadImageSet(voc_root, set));
    const std::string year = set.substr(0, set.find('/'));
    const std::string folder = JoinPath(voc_root, year);
    for (const std::string& name : names) {
      VocImage image;
      image.id = absl::StrCat(year, "/", name);
      image.jpeg_path = absl::StrCat(folder, "/JPEGImages/", name, ".jpg");
      image.xml_path = absl::StrCat(folder, "/Annotations/", name, ".xml");
      ids.push_back(image.id);
      images.push_back(std::move(image));
    }
  }
  YOLOQ_RETURN_IF_ERROR(
      CheckUnique(ids, absl::StrCat("image sets of ", voc_root)));
  std::vector<absl::Status> statuses(images.size());
  WorkerPool(kReadingThreads).ParallelFor(images.size(), [&](int64_t i) {
    statuses[i] = ReadAnnotation(class_names, &images[i]);
  });
  for (const absl::Status& status : statuses) YOLOQ_RETURN_IF_ERROR(status);
  return images;
}

}  // namespace yoloq
