// Synchronous data parallelism: a network and copies of it, each with a part of
// the batch and a thread of its own. LibTorch's parallelism inside operators
// gains next to nothing on small layers. Shows LibTorch's tensors: include it
// in .cc files only.
//
//   YOLOQ_ASSIGN_OR_RETURN(const auto replicas,
//                          Replicas::Create(network.get(), hooks, 2));
//   const BatchLoss loss = replicas->Backward(position, spec, images, truth);
//   // The gradients of `network` and of the hooks' parameters are the batch's.
//
// LibTorch's exceptions pass through all members.
#ifndef YOLOQ_MODEL_TRAINING_REPLICAS_H_
#define YOLOQ_MODEL_TRAINING_REPLICAS_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/training/trainable_network.h"
#include "model/training/training.pb.h"
#include "model/training/training_hooks.h"
#include "model/training/yolo_loss.h"
#include "tools/base/parallel.h"

namespace yoloq {

// As YoloLoss, of a whole batch.
struct BatchLoss {
  double total = 0;
  double box = 0;
  double objectness = 0;
  double classes = 0;
};

class Replicas {
 public:
  // The first replica is `network` with `hooks` (may be null), which outlive
  // this object. count >= 1. Operators use at::get_num_threads() threads in
  // each replica. InvalidArgument when there are to be several and the hooks
  // have no Replica().
  static absl::StatusOr<std::unique_ptr<Replicas>> Create(
      TrainableNetwork* network, TrainingHooks* hooks, int count);

  // The first replica's gradients become those of the loss of the whole batch,
  // whatever they were. images: (N, 3, H, W), N >= 1; truth: N.
  //
  // Each replica has N / count images, an uneven rest going to the first ones
  // (with fewer images than replicas, the last ones rest). Batch norm acts on
  // each part alone; its running statistics become the mean of the replicas',
  // weighted by their images. Sums are taken in the replicas' order: the same
  // arguments give the same bits. `position.share` is set for each.
  BatchLoss Backward(const TrainingPosition& position, const LossSpec& spec,
                     const at::Tensor& images,
                     const std::vector<std::vector<TruthBox>>& truth);

  // FirstBadOutput (model/training/divergence.h) of the first replica that has
  // one; "" when there is none.
  std::string FirstBadOutput(const at::Tensor& images);

 private:
  struct Replica {
    TrainableNetwork* network = nullptr;
    TrainingHooks* hooks = nullptr;
    std::unique_ptr<TrainableNetwork> owned_network;
    std::unique_ptr<TrainingHooks> owned_hooks;
    BatchLoss loss;  // its share of the batch's
  };
  // Images [begin, begin + count) of a batch.
  struct Part {
    int64_t begin = 0;
    int64_t count = 0;
    double share = 1;
  };

  explicit Replicas(int count) : replicas_(count), threads_(count) {}

  std::vector<Part> Split(int64_t images) const;
  // Calls body(r) for replicas [0, count) at once.
  void Run(int64_t count, const std::function<void(int64_t)>& body);
  void CopyFromFirst(const Replica& replica);
  void AddToFirst(const std::vector<Part>& parts);

  std::vector<Replica> replicas_;
  WorkerPool threads_;
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_REPLICAS_H_
