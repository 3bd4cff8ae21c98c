// A profile made ready to be worked on: its data drawn, its network trained,
// its stages cached.
#ifndef YOLOQ_EXPERIMENTS_WORKBENCH_H_
#define YOLOQ_EXPERIMENTS_WORKBENCH_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/device_bench.h"
#include "experiments/image_sets.h"
#include "experiments/network.h"
#include "experiments/pipeline.h"
#include "experiments/scoring.h"
#include "experiments/spec.pb.h"
#include "experiments/stage_cache.h"
#include "hw/devices/device_spec.h"
#include "reports/result.pb.h"

namespace yoloq {

struct RunnerOptions {
  std::string cache_folder;       // required
  std::string engine = "native";  // experiments/engines.h
  std::set<std::string> rerun;    // stages that are made anew
  // How an ssh device is reached, in place of what its spec says.
  SshOverrides ssh;
  // Of the build: commit, dirty flag, compiler, libraries.
  Provenance build;
};

class Workbench {
 public:
  // Checks the profile and what it needs (requirements.h), and makes what comes
  // before anything is quantized. Errors of these, and of the draw and train
  // stages.
  static absl::StatusOr<std::unique_ptr<Workbench>> Open(
      const ProfileSpec& profile, const RunnerOptions& options);

  // With the drawn data's folder and the trained weights in their places.
  const ProfileSpec& profile() const { return profile_; }
  // The stages that were needed for that.
  const std::vector<StageRecord>& prepared() const { return prepared_; }
  const RunnerOptions& options() const { return options_; }
  StageCache& cache() { return cache_; }
  Network& network() { return *network_; }
  ImageSets& sets() { return *sets_; }
  // Where latencies are measured; null: on this machine.
  DeviceBench* bench() { return bench_.get(); }

  // The stages of the network, quantized as the profile says, or as
  // `quantization` says. Not to outlive the workbench.
  std::unique_ptr<Pipeline> MakePipeline();
  std::unique_ptr<Pipeline> MakePipeline(const QuantizationSpec& quantization);

  // Scores detections on the test images. Not to outlive the workbench.
  absl::StatusOr<Scorer> MakeScorer();

  // Build and host, now.
  Provenance MakeProvenance() const;

 private:
  explicit Workbench(const RunnerOptions& options);

  const RunnerOptions options_;
  StageCache cache_;
  ProfileSpec profile_;
  std::vector<StageRecord> prepared_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<ImageSets> sets_;
  std::unique_ptr<DeviceBench> bench_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_WORKBENCH_H_
