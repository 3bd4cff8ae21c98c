#include "experiments/workbench.h"

#include <utility>

#include "absl/time/clock.h"
#include "experiments/engines.h"
#include "experiments/prepare.h"
#include "experiments/requirements.h"
#include "experiments/spec_files.h"
#include "reports/provenance.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {

namespace {

// `ssh` concerns boards on the network alone.
absl::StatusOr<DeviceSpec> LoadDevice(const std::string& name,
                                      const SshOverrides& ssh) {
  YOLOQ_ASSIGN_OR_RETURN(DeviceSpec device, LoadDeviceSpec(name));
  if (device.kind() != DeviceSpec::SSH) return device;
  return LoadDeviceSpec(name, ssh);
}

}  // namespace

Workbench::Workbench(const RunnerOptions& options)
    : options_(options),
      cache_(JoinPath(options.cache_folder, "stages"), options.rerun) {}

absl::StatusOr<std::unique_ptr<Workbench>> Workbench::Open(
    const ProfileSpec& profile, const RunnerOptions& options) {
  YOLOQ_RETURN_IF_ERROR(CheckProfile(profile));
  YOLOQ_RETURN_IF_ERROR(CheckEngineName(options.engine));
  YOLOQ_RETURN_IF_ERROR(CheckRequirements(profile));
  std::unique_ptr<Workbench> workbench(new Workbench(options));
  if (profile.latency().device() != kHostDevice) {
    YOLOQ_ASSIGN_OR_RETURN(const DeviceSpec device,
                           LoadDevice(profile.latency().device(), options.ssh));
    YOLOQ_ASSIGN_OR_RETURN(workbench->bench_, DeviceBench::Create(device));
  }
  YOLOQ_ASSIGN_OR_RETURN(
      PreparedProfile prepared,
      PrepareProfile(profile, options.cache_folder, &workbench->cache_));
  workbench->profile_ = std::move(prepared.profile);
  if (workbench->bench_ != nullptr && workbench->bench_->spec().threads() > 0) {
    workbench->profile_.mutable_latency()->set_threads(
        workbench->bench_->spec().threads());
  }
  workbench->prepared_ = std::move(prepared.stages);
  YOLOQ_ASSIGN_OR_RETURN(Network network,
                         Network::Open(workbench->profile_.model()));
  workbench->network_ = std::make_unique<Network>(std::move(network));
  workbench->sets_ = std::make_unique<ImageSets>(
      workbench->profile_.data(), workbench->network_->class_names(),
      options.cache_folder);
  return workbench;
}

std::unique_ptr<Pipeline> Workbench::MakePipeline() {
  return MakePipeline(profile_.quantization());
}

std::unique_ptr<Pipeline> Workbench::MakePipeline(
    const QuantizationSpec& quantization) {
  ProfileSpec profile = profile_;
  *profile.mutable_quantization() = quantization;
  return std::make_unique<Pipeline>(
      profile, profile.data().noise_only() ? nullptr : sets_.get(),
      network_.get(), &cache_, bench_.get());
}

absl::StatusOr<Scorer> Workbench::MakeScorer() {
  YOLOQ_ASSIGN_OR_RETURN(const ImageSet* truth, sets_->Test());
  return Scorer(profile_.evaluation(), network_->class_names(), truth, &cache_);
}

Provenance Workbench::MakeProvenance() const {
  Provenance provenance = options_.build;
  FillHost(absl::Now(), &provenance);
  return provenance;
}

}  // namespace yoloq
