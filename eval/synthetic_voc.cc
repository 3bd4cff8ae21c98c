#include "eval/synthetic_voc.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "eval/image.h"
#include "eval/random.h"
#include "eval/voc.h"
#include "tools/base/file.h"
#include "tools/base/parallel.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr absl::string_view kYear = "VOC2007";

// The devkit's ids have six digits.
constexpr int kMaxImages = 999999;
constexpr int kMinSide = 32;
constexpr int kMaxSide = 4096;

// One of the lists that own images.
struct List {
  absl::string_view name;
  int first_id;
  int images;
};

std::vector<List> Lists(const SyntheticVocOptions& options) {
  return {{"train", 1, options.train_images},
          {"val", 1 + options.train_images, options.val_images},
          {"test", 1 + options.train_images + options.val_images,
           options.test_images}};
}

absl::Status Check(const SyntheticVocOptions& options) {
  for (const List& list : Lists(options)) {
    if (list.images < 0 || list.images > kMaxImages) {
      return absl::InvalidArgumentError(
          absl::StrCat("synthetic data: ", list.images, " ", list.name,
                       " images; give 0 to ", kMaxImages));
    }
  }
  const int64_t total =
      int64_t{options.train_images} + options.val_images + options.test_images;
  if (total < 1 || total > kMaxImages) {
    return absl::InvalidArgumentError(absl::StrCat(
        "synthetic data: ", total, " images in all; give 1 to ", kMaxImages));
  }
  const SceneOptions& scene = options.scene;
  if (scene.min_side < kMinSide || scene.max_side < scene.min_side ||
      scene.max_side > kMaxSide) {
    return absl::InvalidArgumentError(absl::StrCat(
        "synthetic data: sides from ", scene.min_side, " to ", scene.max_side,
        " pixels; give a range within ", kMinSide, " to ", kMaxSide));
  }
  if (!(scene.difficulty >= 0 && scene.difficulty <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "synthetic data: difficulty ", scene.difficulty, "; give 0 to 1"));
  }
  return absl::OkStatus();
}

std::string ObjectXml(const SceneObject& object) {
  const Box& box = object.truth.box;
  return absl::StrFormat(
      "\t<object>\n"
      "\t\t<name>%s</name>\n"
      "\t\t<pose>Unspecified</pose>\n"
      "\t\t<truncated>%d</truncated>\n"
      "\t\t<occluded>%d</occluded>\n"
      "\t\t<difficult>%d</difficult>\n"
      "\t\t<bndbox>\n"
      "\t\t\t<xmin>%d</xmin>\n"
      "\t\t\t<ymin>%d</ymin>\n"
      "\t\t\t<xmax>%d</xmax>\n"
      "\t\t\t<ymax>%d</ymax>\n"
      "\t\t</bndbox>\n"
      "\t</object>\n",
      VocClassNames()[object.truth.class_index], object.truncated,
      object.occluded, object.truth.difficult, static_cast<int>(box.left),
      static_cast<int>(box.top), static_cast<int>(box.right),
      static_cast<int>(box.bottom));
}

std::string SceneXml(const Scene& scene, absl::string_view id) {
  std::string xml = absl::StrFormat(
      "<annotation>\n"
      "\t<folder>%s</folder>\n"
      "\t<filename>%s.jpg</filename>\n"
      "\t<source>\n"
      "\t\t<database>Synthetic VOC</database>\n"
      "\t</source>\n"
      "\t<size>\n"
      "\t\t<width>%d</width>\n"
      "\t\t<height>%d</height>\n"
      "\t\t<depth>3</depth>\n"
      "\t</size>\n"
      "\t<segmented>0</segmented>\n",
      kYear, id, scene.picture.width, scene.picture.height);
  for (const SceneObject& object : scene.objects) {
    absl::StrAppend(&xml, ObjectXml(object));
  }
  return absl::StrCat(xml, "</annotation>\n");
}

std::string Id(int number) { return absl::StrFormat("%06d", number); }

// Without the flush to disk of WriteFileAtomically, which takes longer than
// drawing the image: all images are flushed at once before the lists name them.
absl::Status WriteUnflushed(const std::string& path,
                            const std::string& contents) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  out.close();
  if (out) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(path, ": cannot be written; is there room on the disk?"));
}

absl::Status FlushFileSystem(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  const bool flushed = descriptor >= 0 && syncfs(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (flushed) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(folder, ": cannot be flushed to disk"));
}

absl::Status WriteImage(const std::string& folder, const List& list,
                        int list_number, int index,
                        const SyntheticVocOptions& options) {
  Random random(options.seed, (uint64_t(list_number) << 32) + index);
  const Scene scene = MakeScene(options.scene, &random);
  const std::string id = Id(list.first_id + index);
  YOLOQ_ASSIGN_OR_RETURN(const std::string jpeg,
                         EncodeJpeg(scene.picture, random.Between(70, 95)));
  YOLOQ_RETURN_IF_ERROR(
      WriteUnflushed(absl::StrCat(folder, "/JPEGImages/", id, ".jpg"), jpeg));
  return WriteUnflushed(absl::StrCat(folder, "/Annotations/", id, ".xml"),
                        SceneXml(scene, id));
}

absl::Status WriteList(const std::string& folder, absl::string_view name,
                       int first_id, int images) {
  std::string text;
  for (int i = 0; i < images; ++i)
    absl::StrAppend(&text, Id(first_id + i), "\n");
  return WriteFileAtomically(
      absl::StrCat(folder, "/ImageSets/Main/", name, ".txt"), text);
}

}  // namespace

absl::Status WriteSyntheticVoc(const std::string& voc_root,
                               const SyntheticVocOptions& options) {
  YOLOQ_RETURN_IF_ERROR(Check(options));
  const std::string folder = JoinPath(voc_root, kYear);
  for (const char* part : {"JPEGImages", "Annotations", "ImageSets/Main"}) {
    YOLOQ_RETURN_IF_ERROR(MakeFolders(JoinPath(folder, part)));
  }
  const std::vector<List> lists = Lists(options);
  Progress progress(
      "synthesize",
      options.train_images + options.val_images + options.test_images,
      "images");
  WorkerPool threads(std::max(1, options.threads));
  for (size_t n = 0; n < lists.size(); ++n) {
    std::vector<absl::Status> statuses(lists[n].images);
    threads.ParallelFor(lists[n].images, [&](int64_t i) {
      statuses[i] = WriteImage(folder, lists[n], static_cast<int>(n),
                               static_cast<int>(i), options);
      progress.Advance(1);
    });
    for (const absl::Status& status : statuses) YOLOQ_RETURN_IF_ERROR(status);
  }
  YOLOQ_RETURN_IF_ERROR(FlushFileSystem(folder));
  for (const List& list : lists) {
    YOLOQ_RETURN_IF_ERROR(
        WriteList(folder, list.name, list.first_id, list.images));
  }
  return WriteList(folder, "trainval", 1,
                   options.train_images + options.val_images);
}

}  // namespace yoloq
