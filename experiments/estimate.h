// What a long stage will take on this machine, said before it begins: time from
// a trial, memory from the graph.
//
//   train      16,551 images x 200 epochs: about 40 days 02 h (measured: 0.96
//   images/s), 9.5 GB of memory of 21 GB free
#ifndef YOLOQ_EXPERIMENTS_ESTIMATE_H_
#define YOLOQ_EXPERIMENTS_ESTIMATE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "hw/runtime/engine.h"
#include "model/graph.pb.h"
#include "model/training/training.pb.h"
#include "model/weights.h"

namespace yoloq {

class TrainingHooks;

// Estimates below this are not printed.
inline constexpr double kLeastSecondsToSay = 10;

// --- Memory.

// What a training holds at its peak, which is where the backward pass begins.
// P is the number of parameters (weights, biases, gamma), 4 bytes each.
struct TrainingMemory {
  // The initial weights, the parameters, their gradients, Adam's two moments
  // and, with ema_decay, the averages: 5 P or 6 P, and gradients of its own for
  // each further replica. With quantization simulated: the initial weights
  // twice, and for each replica the folded weights before and after rounding,
  // 2 P.
  int64_t parameter_bytes = 0;
  // Of one image, what the backward pass reads, in values of 4 bytes. `out` is
  // the size of the node's output:
  //   convolution with batch norm  2 out (before batch norm; after activation)
  //   convolution without          1 out
  //   add, concat, upsample        1 out
  //   max pool                     1 in (padded), 3 out (with 8-byte indices)
  //   input                        1 out
  //   slice, head                  nothing, they are views
  // With quantization simulated, a convolution with batch norm keeps 6 out (of
  // the convolution, scaled back, after batch norm, that rounded, after
  // activation, that rounded), without 2 out, and every other node 1 out more.
  int64_t activation_bytes_per_image = 0;
  int64_t batch_size = 0;
  // Decoded pictures that are kept: all, or cache_megabytes.
  int64_t picture_bytes = 0;

  int64_t total_bytes() const {
    return parameter_bytes + activation_bytes_per_image * batch_size +
           picture_bytes;
  }
};

// `graph` has shapes. simulated: quantization-aware training, all in INT8.
TrainingMemory EstimateTrainingMemory(const Graph& graph,
                                      const TrainingSpec& spec,
                                      absl::Span<const VocImage> images,
                                      bool simulated);

// Of `workers` engines: the weights once and, packed, once an engine, and the
// most that is live at a time of the outputs of the nodes. `graph` has shapes.
int64_t EstimateInferenceMemory(const Graph& graph, int workers);

// MemAvailable of the text of /proc/meminfo, in bytes; nothing where it is not
// there.
absl::optional<int64_t> ParseAvailableBytes(absl::string_view meminfo);

// FailedPrecondition, with the field to lower, when the training needs more
// than is available.
absl::Status CheckTrainingMemory(absl::string_view label,
                                 const TrainingMemory& memory,
                                 int64_t available_bytes);

// --- The line.

struct StageEstimate {
  std::string label;  // "train"
  std::string work;   // "3,000 images x 20 epochs"
  double seconds = 0;
  double images_per_second = 0;
  int64_t memory_bytes = 0;
  absl::optional<int64_t> available_bytes;  // nothing: not known
};

// "train      3,000 images x 20 epochs: about 3 min 20 s (measured: 19
// images/s), 0.4 GB of memory of 21 GB free"; 1 GB is 10^9 bytes.
std::string FormatEstimate(const StageEstimate& estimate);

// --- Before a stage. Each prints the line, to standard error, and fails where
// memory will not do.

// Of Train (model/training/trainer.h) with the same arguments. Two steps of the
// training are tried (of at most 4 images where the network is large) and the
// second is timed, augmentation included; not where the training is of fewer
// than 40 steps (the trial would be more than 5 % of it) or resumes (its
// progress line says what is left). trial_hooks: like those of the training,
// and of no use afterwards; null without. On a GPU memory is not checked: the
// formula is of the CPU's.
absl::Status AnnounceTraining(const std::string& label, const Graph& graph,
                              const Weights& weights, const TrainingSpec& spec,
                              absl::Span<const VocImage> images,
                              const PreprocessSpec& preprocess,
                              const std::string& folder,
                              TrainingHooks* trial_hooks);

// Of `images` images spread over `workers` cores. try_round: one image a
// worker, all at once; it is called twice, and the second is timed. Nothing is
// tried where the network is small or the images few.
absl::Status AnnounceInference(const std::string& label, const Graph& graph,
                               int64_t images, int workers,
                               const std::function<absl::Status()>& try_round);

// The same of an evaluation by engines of one thread each.
absl::Status AnnounceEvaluation(const std::string& label,
                                absl::Span<Engine* const> engines,
                                int64_t images);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_ESTIMATE_H_
