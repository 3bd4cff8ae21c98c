// Reads data in the layout of the PASCAL VOC devkit (2007 and 2012):
//
//   <voc_root>/VOC2007/ImageSets/Main/test.txt    image ids, one a line
//   <voc_root>/VOC2007/Annotations/000001.xml     objects of an image
//   <voc_root>/VOC2007/JPEGImages/000001.jpg      the image
//
//   YOLOQ_ASSIGN_OR_RETURN(
//       std::vector<VocImage> images,
//       ReadVocSets("/data/VOCdevkit", {"VOC2007/test"}, VocClassNames()));
#ifndef YOLOQ_EVAL_VOC_H_
#define YOLOQ_EVAL_VOC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "eval/ground_truth.h"

namespace yoloq {

// The 20 classes in the devkit's order, "aeroplane" to "tvmonitor".
const std::vector<std::string>& VocClassNames();

// Class names from a file, one a line (darknet's .names); blank lines are
// skipped. InvalidArgument for an empty list or a name that occurs twice.
absl::StatusOr<std::vector<std::string>> ReadClassNames(
    const std::string& path);

// What an annotation file says of its image.
struct VocAnnotation {
  int width = 0;   // pixels, > 0
  int height = 0;  // pixels, > 0
  std::vector<GroundTruthObject> objects;
};

// Parses an annotation. Only size and, of each object, name, bndbox and (when
// there) difficult are read; coordinates may have fractions. `name` stands in
// errors. InvalidArgument names the field: malformed XML, no size, an object
// without name or box, a class that is not in class_names, a box that is
// inverted or lies outside the image by more than a pixel.
absl::StatusOr<VocAnnotation> ParseVocAnnotation(
    absl::string_view xml, absl::string_view name,
    absl::Span<const std::string> class_names);

// An image of a set.
struct VocImage {
  std::string id;  // "VOC2007/000001"
  std::string jpeg_path;
  std::string xml_path;
  VocAnnotation annotation;
};

// The ids of one list ("VOC2007/test"), in its order, as they stand there. A
// second column (the class lists' 1, 0 or -1) is checked and ignored. NotFound
// for a missing folder or list; InvalidArgument for an empty list, a malformed
// line, an id that occurs twice.
absl::StatusOr<std::vector<std::string>> ReadImageSet(
    const std::string& voc_root, absl::string_view set);

// All images of the sets ("YEAR/LIST"), set by set in list order, with their
// annotations. NotFound names the missing folder, list, annotation or JPEG;
// other errors as above. An image that is in two sets is InvalidArgument.
absl::StatusOr<std::vector<VocImage>> ReadVocSets(
    const std::string& voc_root, absl::Span<const std::string> sets,
    absl::Span<const std::string> class_names);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_VOC_H_
