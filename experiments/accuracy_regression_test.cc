// Trains, quantizes and evaluates a small network on drawn pictures, and fails
// when mAP, model size or the difference between the integer model and its
// simulation leaves its recorded band. After a change that is meant:
//
//   YOLOQ_UPDATE_GOLDEN=1 bazel run //experiments:accuracy_regression_test
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "experiments/regression.pb.h"
#include "experiments/runner.h"
#include "experiments/spec_files.h"
#include "gtest/gtest.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

constexpr char kProfile[] = "experiments/testdata/regression.textproto";
constexpr char kBands[] = "experiments/testdata/regression_bands.textproto";

// On one machine a run repeats bit for bit. Another processor rounds otherwise,
// and training makes of it what another seed would: mAPs of 64.4 to 65.4 (three
// seeds). A quantization is worth less than the margin, so that differences
// within one run have bands of their own.
constexpr double kMapMargin = 4;
constexpr double kDifferenceMargin = 1;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Value {
  std::string row;
  std::string metric;
  double value = 0;
  double margin = 0;  // of a new band
};

std::vector<Value> Measure(const RunResults& results) {
  std::vector<Value> values;
  for (const RunResult& result : results.results()) {
    const std::string& row = result.experiment().name();
    const double map = 100 * result.accuracy().map_area();
    values.push_back({row, "map", map, kMapMargin});
    values.push_back({row, "weight_bytes",
                      static_cast<double>(result.model_size().weight_bytes()),
                      0});
    if (!result.has_fake_quant_accuracy()) continue;
    values.push_back({row, "integer_minus_fake",
                      map - 100 * result.fake_quant_accuracy().map_area(),
                      kDifferenceMargin});
    values.push_back({row, "change", 100 * result.accuracy().map_change(),
                      2 * kDifferenceMargin});
  }
  return values;
}

absl::Status Update(const std::vector<Value>& values) {
  const std::string root = Environment("BUILD_WORKSPACE_DIRECTORY");
  if (root.empty()) {
    return absl::FailedPreconditionError(
        "YOLOQ_UPDATE_GOLDEN works under `bazel run` only");
  }
  RegressionBands bands;
  for (const Value& value : values) {
    RegressionBands::Band* band = bands.add_bands();
    band->set_row(value.row);
    band->set_metric(value.metric);
    band->set_low(value.value - value.margin);
    band->set_high(value.value + value.margin);
  }
  return WriteTextProto(JoinPath(root, kBands), bands);
}

const RegressionBands::Band* Find(const RegressionBands& bands,
                                  const Value& value) {
  for (const RegressionBands::Band& band : bands.bands()) {
    if (band.row() == value.row && band.metric() == value.metric) return &band;
  }
  return nullptr;
}

TEST(AccuracyRegressionTest, StaysInTheRecordedBands) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const ProfileSpec profile, LoadProfile(kProfile));
  std::vector<ExperimentSpec> experiments;
  for (const char* name : {"baseline", "ptq", "qat"}) {
    YOLOQ_ASSERT_OK_AND_ASSIGN(ExperimentSpec spec, LoadExperiment(name));
    experiments.push_back(spec);
  }
  RunnerOptions options;
  options.cache_folder = TestFolder();
  YOLOQ_ASSERT_OK_AND_ASSIGN(const RunResults results,
                             RunExperiments(experiments, profile, options));
  const std::vector<Value> values = Measure(results);
  if (!Environment("YOLOQ_UPDATE_GOLDEN").empty()) {
    YOLOQ_ASSERT_OK(Update(values));
    return;
  }
  RegressionBands bands;
  YOLOQ_ASSERT_OK(ReadTextProto(kBands, &bands));
  EXPECT_EQ(bands.bands_size(), static_cast<int>(values.size()));
  for (const Value& value : values) {
    const std::string what = absl::StrCat(value.row, ", ", value.metric);
    const RegressionBands::Band* band = Find(bands, value);
    ASSERT_NE(band, nullptr) << what << ": no band in " << kBands;
    EXPECT_TRUE(value.value >= band->low() && value.value <= band->high())
        << what
        << absl::StrFormat(": %.10g is outside [%.10g, %.10g]", value.value,
                           band->low(), band->high())
        << "\nIf the change is meant: YOLOQ_UPDATE_GOLDEN=1 bazel run "
        << Environment("TEST_TARGET");
  }
}

}  // namespace
}  // namespace yoloq
