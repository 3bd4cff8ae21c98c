// A small but whole setting for end-to-end tests: synthetic pictures in VOC's
// layout, and a slim YOLOv3 with random weights in darknet's files.
//
//   YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile,
//                              MakeTinyProfile(TestFolder(), 12, 6));
//   YOLOQ_ASSERT_OK_AND_ASSIGN(
//       const RunResults results,
//       RunByName({"baseline", "ptq"}, profile, OptionsFor(TestFolder())));
//   EXPECT_EQ(Row(results, "ptq").accuracy().images(), 6);
#ifndef YOLOQ_TESTS_TINY_RUN_H_
#define YOLOQ_TESTS_TINY_RUN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "experiments/runner.h"
#include "experiments/spec.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

// Writes <folder>/voc (lists VOC2007/train and VOC2007/test), slim.cfg and
// slim.weights, and gives the profile that reads them: 64 x 64 pixels,
// calibration on the whole of the training list, the shortest of latency
// measurements.
absl::StatusOr<ProfileSpec> MakeTinyProfile(const std::string& folder,
                                            int train_images, int test_images);

// The same network built rather than imported, and no pictures: it is
// calibrated on noise, and its accuracy is not run. `scheme`: of the
// quantization.
ProfileSpec NoiseProfile(const std::string& scheme = "per_channel");

// Caches in `cache_folder`.
RunnerOptions OptionsFor(const std::string& cache_folder,
                         const std::string& engine = "native");

// RunExperiments on the embedded experiments of these names.
absl::StatusOr<RunResults> RunByName(
    const std::vector<std::string>& experiments, const ProfileSpec& profile,
    const RunnerOptions& options);

// The result of the experiment; an empty one where there is none.
RunResult Row(const RunResults& results, absl::string_view experiment);

// Key of the run's first stage of that name; "" where there is none.
std::string StageKey(const RunResult& result, absl::string_view stage);

// The deployable model that the run's export stage left in the cache.
std::string ModelPath(const RunResult& result, const std::string& cache_folder);

}  // namespace yoloq

#endif  // YOLOQ_TESTS_TINY_RUN_H_
