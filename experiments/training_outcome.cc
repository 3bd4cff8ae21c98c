#include "experiments/training_outcome.h"

#include <utility>

#include "model/darknet_weights.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {

std::string TrainedWeightsPath(const std::string& folder) {
  return JoinPath(folder, "trained.weights");
}

absl::Status WriteTrainingOutcome(const std::string& folder, const Graph& graph,
                                  int64_t images, TrainingOutcome outcome) {
  TrainingHistory history;
  for (const EpochRecord& epoch : outcome.epochs) {
    *history.add_epochs() = epoch;
  }
  YOLOQ_RETURN_IF_ERROR(
      WriteTextProto(JoinPath(folder, "training.textproto"), history));
  DarknetWeights weights;
  weights.header.images_seen = outcome.epochs.size() * images;
  for (const Node& node : graph.nodes()) {
    weights.convolutions += node.has_convolution();
  }
  weights.weights = std::move(outcome.weights);
  return WriteDarknetWeights(TrainedWeightsPath(folder), graph, weights);
}

}  // namespace yoloq
