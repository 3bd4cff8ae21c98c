#include "experiments/estimate.h"

#include <ATen/Context.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "model/graph.h"
#include "model/training/trainer.h"
#include "reports/format_number.h"
#include "tools/base/file.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kFloatBytes = 4;
constexpr double kGigabyte = 1e9;

// Below this, a trial would cost more than 5 % of what it is about.
constexpr int64_t kLeastSteps = 40;
constexpr int64_t kLeastRounds = 40;
// Multiply-accumulates that take any core seconds (with AVX-512 VNNI it does
// about 1e11 a second in FP32 and 4e11 in INT8).
constexpr double kManyMultiplyAccumulates = 1e12;
// From this many an image on, a step on few images tells what a full one takes:
// layers keep all cores busy, and the optimizer is a small part.
constexpr int64_t kLargeMultiplyAccumulates = 5000000000;
constexpr int kTrialImages = 4;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Defaults of model/training/training.proto.
int BatchSize(const TrainingSpec& spec) {
  return spec.batch_size() == 0 ? 8 : spec.batch_size();
}

int64_t CacheBytes(const TrainingSpec& spec) {
  return int64_t{1000000} *
         (spec.cache_megabytes() == 0 ? 1000 : spec.cache_megabytes());
}

int64_t StepCount(const TrainingSpec& spec, int64_t images) {
  const int64_t batch = BatchSize(spec);
  return spec.epochs() * ((images + batch - 1) / batch);
}

int64_t Parameters(const Graph& graph) {
  int64_t count = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    count += ParameterCount(graph, i);
  }
  return count;
}

// What a node keeps of one image (estimate.h).
int64_t KeptBytes(const Graph& graph, const Node& node, bool simulated) {
  const int64_t out = ElementCount(node.output());
  switch (node.op_case()) {
    case Node::kConvolution:
      if (!node.convolution().batch_norm()) {
        return (simulated ? 2 : 1) * kFloatBytes * out;
      }
      return (simulated ? 6 : 2) * kFloatBytes * out;
    case Node::kAdd:
    case Node::kConcat:
    case Node::kUpsample:
      return (simulated ? 2 : 1) * kFloatBytes * out;
    case Node::kMaxPool:
      return kFloatBytes * (ElementCount(graph.nodes(node.inputs(0)).output()) +
                            (simulated ? 4 : 3) * out);
    case Node::kInput:
      return kFloatBytes * out;
    default:
      return 0;
  }
}

int64_t PictureBytes(const TrainingSpec& spec,
                     absl::Span<const VocImage> images) {
  int64_t bytes = 0;
  for (const VocImage& image : images) {
    bytes += int64_t{3} * image.annotation.width * image.annotation.height;
  }
  return std::min(bytes, CacheBytes(spec));
}

// The most that is live at a time when the nodes run in order and each output
// goes after its last reader.
int64_t PeakLiveElements(const Graph& graph) {
  const std::vector<std::vector<int>> consumers = Consumers(graph);
  std::vector<std::vector<int>> ends(graph.nodes_size());
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (!consumers[i].empty()) ends[consumers[i].back()].push_back(i);
  }
  int64_t live = 0, peak = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    live += ElementCount(graph.nodes(i).output());
    peak = std::max(peak, live);
    for (const int ended : ends[i]) {
      live -= ElementCount(graph.nodes(ended).output());
    }
  }
  return peak;
}

absl::optional<int64_t> AvailableBytes() {
  // Its size is 0, so it is no file to map or to read at once.
  std::ifstream file("/proc/meminfo");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ParseAvailableBytes(text);
}

std::string Gigabytes(int64_t bytes) {
  const double gigabytes = static_cast<double>(bytes) / kGigabyte;
  return absl::StrFormat(gigabytes < 10 ? "%.1f GB" : "%.0f GB", gigabytes);
}

void Print(const StageEstimate& estimate) {
  if (estimate.seconds < kLeastSecondsToSay) return;
  std::fprintf(stderr, "%s\n", FormatEstimate(estimate).c_str());
  std::fflush(stderr);
}

bool OnGpu(const TrainingSpec& spec) {
  return spec.device() != TrainingSpec::CPU && at::hasCUDA();
}

int64_t TotalMultiplyAccumulates(const Graph& graph) {
  int64_t count = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    count += MultiplyAccumulates(graph, i);
  }
  return count;
}

// Images a second, once the training runs.
absl::StatusOr<double> TryTraining(const std::string& label, const Graph& graph,
                                   const Weights& weights, TrainingSpec spec,
                                   absl::Span<const VocImage> images,
                                   const PreprocessSpec& preprocess,
                                   TrainingHooks* hooks) {
  int batch = BatchSize(spec);
  if (TotalMultiplyAccumulates(graph) >= kLargeMultiplyAccumulates) {
    batch = std::min(batch, std::max(kTrialImages, spec.replicas()));
  }
  // Two epochs of one step: the first also sets up what LibTorch and oneDNN
  // keep.
  spec.set_batch_size(batch);
  spec.set_epochs(2);
  TrainOptions options;
  options.hooks = hooks;
  options.label = absl::StrCat(label, ", a trial");
  YOLOQ_ASSIGN_OR_RETURN(const TrainingOutcome outcome,
                         Train(graph, weights, spec, images.subspan(0, batch),
                               preprocess, options));
  return batch / std::max(outcome.epochs.back().seconds(), 1e-9);
}

absl::Status CheckInferenceMemory(absl::string_view label, int64_t bytes,
                                  absl::optional<int64_t> available) {
  if (!available.has_value() || bytes <= *available) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(label, ": needs about ", Gigabytes(bytes),
                   " of memory, of which ", Gigabytes(*available),
                   " are free; lower model.input_size or model.width"));
}

// One picture on every engine, in a thread each.
absl::Status RunRound(absl::Span<Engine* const> engines) {
  std::vector<absl::Status> outcomes(engines.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < engines.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::vector<uint8_t> grey(
          ElementCount(engines[i]->graph().nodes(0).output()), 128);
      std::vector<HeadOutput> heads;
      outcomes[i] = engines[i]->Run(grey, &heads);
    });
  }
  for (std::thread& thread : threads) thread.join();
  absl::Status status;
  for (const absl::Status& outcome : outcomes) status.Update(outcome);
  return status;
}

}  // namespace

// --- Memory.

TrainingMemory EstimateTrainingMemory(const Graph& graph,
                                      const TrainingSpec& spec,
                                      absl::Span<const VocImage> images,
                                      bool simulated) {
  TrainingMemory memory;
  const int64_t parameters = Parameters(graph);
  const int64_t replicas = std::max(1, spec.replicas());
  const int64_t copies = 4 + replicas + (spec.ema_decay() > 0 ? 1 : 0);
  memory.parameter_bytes = kFloatBytes * parameters * copies;
  if (simulated) {
    memory.parameter_bytes +=
        kFloatBytes * parameters + replicas * 2 * kFloatBytes * parameters;
  }
  for (const Node& node : graph.nodes()) {
    memory.activation_bytes_per_image += KeptBytes(graph, node, simulated);
  }
  memory.batch_size = BatchSize(spec);
  memory.picture_bytes = PictureBytes(spec, images);
  return memory;
}

int64_t EstimateInferenceMemory(const Graph& graph, int workers) {
  return kFloatBytes *
         (Parameters(graph) +
          workers * (Parameters(graph) + PeakLiveElements(graph)));
}

absl::optional<int64_t> ParseAvailableBytes(absl::string_view meminfo) {
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemAvailable:")) continue;
    int64_t kibibytes = 0;
    if (!absl::ConsumeSuffix(&line, " kB") ||
        !absl::SimpleAtoi(line, &kibibytes)) {
      return absl::nullopt;
    }
    return kibibytes * 1024;
  }
  return absl::nullopt;
}

absl::Status CheckTrainingMemory(absl::string_view label,
                                 const TrainingMemory& memory,
                                 int64_t available_bytes) {
  if (memory.total_bytes() <= available_bytes) return absl::OkStatus();
  const int64_t rest =
      available_bytes - memory.parameter_bytes - memory.picture_bytes;
  const int64_t fits =
      rest / std::max<int64_t>(memory.activation_bytes_per_image, 1);
  std::string advice =
      absl::StrCat("lower training.batch_size (", memory.batch_size);
  if (rest > 0 && fits > 0) {
    absl::StrAppend(&advice, "; ", fits, " would fit)");
  } else {
    absl::StrAppend(&advice,
                    "), model.input_size or training.cache_megabytes (",
                    memory.picture_bytes / 1000000, " used)");
  }
  return absl::FailedPreconditionError(
      absl::StrCat(label, ": needs about ", Gigabytes(memory.total_bytes()),
                   " of memory, of which ", Gigabytes(available_bytes),
                   " are free; ", advice));
}

// --- The line.

std::string FormatEstimate(const StageEstimate& estimate) {
  return absl::StrFormat(
      "%-10s %s: about %s (measured: %.2g images/s), %s of memory%s",
      estimate.label, estimate.work, FormatDuration(estimate.seconds),
      estimate.images_per_second, Gigabytes(estimate.memory_bytes),
      estimate.available_bytes.has_value()
          ? absl::StrCat(" of ", Gigabytes(*estimate.available_bytes), " free")
          : "");
}

// --- Before a stage.

absl::Status AnnounceTraining(const std::string& label, const Graph& graph,
                              const Weights& weights, const TrainingSpec& spec,
                              absl::Span<const VocImage> images,
                              const PreprocessSpec& preprocess,
                              const std::string& folder,
                              TrainingHooks* trial_hooks) {
  const TrainingMemory memory =
      EstimateTrainingMemory(graph, spec, images, trial_hooks != nullptr);
  StageEstimate estimate;
  if (!OnGpu(spec)) estimate.available_bytes = AvailableBytes();
  if (estimate.available_bytes.has_value()) {
    YOLOQ_RETURN_IF_ERROR(
        CheckTrainingMemory(label, memory, *estimate.available_bytes));
  }
  const int64_t steps = StepCount(spec, static_cast<int64_t>(images.size()));
  if (steps < kLeastSteps ||
      PathExists(JoinPath(folder, "checkpoint.yoloqck"))) {
    return absl::OkStatus();
  }
  YOLOQ_ASSIGN_OR_RETURN(estimate.images_per_second,
                         TryTraining(label, graph, weights, spec, images,
                                     preprocess, trial_hooks));
  estimate.label = label;
  estimate.work = absl::StrCat(FormatThousands(images.size()), " images x ",
                               spec.epochs(), " epochs");
  // The last batch of an epoch is filled up.
  estimate.seconds = static_cast<double>(steps * memory.batch_size) /
                     estimate.images_per_second;
  estimate.memory_bytes = memory.total_bytes();
  Print(estimate);
  return absl::OkStatus();
}

absl::Status AnnounceInference(const std::string& label, const Graph& graph,
                               int64_t images, int workers,
                               const std::function<absl::Status()>& try_round) {
  StageEstimate estimate;
  estimate.memory_bytes = EstimateInferenceMemory(graph, workers);
  estimate.available_bytes = AvailableBytes();
  YOLOQ_RETURN_IF_ERROR(CheckInferenceMemory(label, estimate.memory_bytes,
                                             estimate.available_bytes));
  if (images < kLeastRounds * workers ||
      static_cast<double>(images) *
              static_cast<double>(TotalMultiplyAccumulates(graph)) <
          kManyMultiplyAccumulates) {
    return absl::OkStatus();
  }
  YOLOQ_RETURN_IF_ERROR(try_round());
  const Clock::time_point start = Clock::now();
  YOLOQ_RETURN_IF_ERROR(try_round());
  estimate.label = label;
  estimate.work = absl::StrCat(FormatThousands(images), " images");
  estimate.images_per_second = workers / std::max(SecondsSince(start), 1e-9);
  estimate.seconds = static_cast<double>(images) / estimate.images_per_second;
  Print(estimate);
  return absl::OkStatus();
}

absl::Status AnnounceEvaluation(const std::string& label,
                                absl::Span<Engine* const> engines,
                                int64_t images) {
  return AnnounceInference(label, engines.front()->graph(), images,
                           static_cast<int>(engines.size()),
                           [&] { return RunRound(engines); });
}

}  // namespace yoloq
