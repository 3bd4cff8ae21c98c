// Writes the synthetic data set:
//
//   bazel run //eval:make_synthetic_voc -- --voc_root=/tmp/synthetic
#include <cstdio>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "eval/synthetic_voc.h"
#include "tools/base/user_path.h"

ABSL_FLAG(std::string, voc_root, "",
          "folder to write to, laid out as a VOCdevkit (required)");
ABSL_FLAG(uint64_t, seed, 1, "same seed, same data");
ABSL_FLAG(int, train, 2000, "images of list train");
ABSL_FLAG(int, val, 200, "images of list val");
ABSL_FLAG(int, test, 500, "images of list test");
ABSL_FLAG(int, min_side, 160, "least width and height of an image, in pixels");
ABSL_FLAG(double, difficulty, 1, "from 0, few objects in plain view, to 1");
ABSL_FLAG(int, max_side, 240, "most width and height of an image, in pixels");
ABSL_FLAG(int, threads, 2, "threads");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Writes a synthetic data set in the layout of the PASCAL VOC devkit.");
  absl::ParseCommandLine(argc, argv);
  const std::string voc_root = yoloq::UserPath(absl::GetFlag(FLAGS_voc_root));
  if (voc_root.empty()) {
    std::fprintf(stderr, "give the folder to write to: --voc_root=/path\n");
    return 2;
  }
  yoloq::SyntheticVocOptions options;
  options.seed = absl::GetFlag(FLAGS_seed);
  options.train_images = absl::GetFlag(FLAGS_train);
  options.val_images = absl::GetFlag(FLAGS_val);
  options.test_images = absl::GetFlag(FLAGS_test);
  options.scene.difficulty = absl::GetFlag(FLAGS_difficulty);
  options.scene.min_side = absl::GetFlag(FLAGS_min_side);
  options.scene.max_side = absl::GetFlag(FLAGS_max_side);
  options.threads = absl::GetFlag(FLAGS_threads);
  const absl::Status status = yoloq::WriteSyntheticVoc(voc_root, options);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  return 0;
}
