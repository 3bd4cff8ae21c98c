// Quantization-aware training: hooks into a network in training that make it
// compute what the integer model will.
//
//   YOLOQ_ASSIGN_OR_RETURN(auto qat, QatHooks::Create(graph, spec, qat_spec,
//                                                     precision));
//   options.hooks = qat.get();
//   options.fingerprint = qat->Fingerprint();
//   YOLOQ_ASSIGN_OR_RETURN(
//       TrainingOutcome outcome,
//       Train(graph, baseline, QatTrainingSpec(training, qat_spec), ...,
//             options));
//   YOLOQ_ASSIGN_OR_RETURN(const Calibration learned, qat->Result());
//   QuantizeModel(WithoutBatchNorm(graph),
//                 FoldBatchNorm(graph, outcome.weights), &learned, spec, ...);
//
// Shows LibTorch's tensors: include it in .cc files only.
#ifndef YOLOQ_QUANT_QAT_H_
#define YOLOQ_QUANT_QAT_H_

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"
#include "model/training/training.pb.h"
#include "model/training/training_hooks.h"
#include "quant/qat.pb.h"
#include "quant/quantization.pb.h"

namespace yoloq {

// The spec with every field set. InvalidArgument names the field that is out of
// range.
absl::StatusOr<QatSpec> ResolveQatSpec(QatSpec spec);

// The training that QAT is: `baseline` with the epochs and the learning rate of
// `spec` (resolved), without the changes to the weights that open a training
// from nothing, and without averaging of the parameters, which would mix ranges
// of different times.
TrainingSpec QatTrainingSpec(TrainingSpec baseline, const QatSpec& spec);

// The scheme's arithmetic in FP32: weights (per tensor or channel, s_w = max
// |w| / 127) and activations are rounded and clamped where the integer model
// does it, and gradients pass straight through what is not clamped.
//
// Batch norm is folded into the weights before they are quantized (Jacob et
// al. 2018, section 3.2), in the form of PyTorch's ConvBn2d: the weights are
// scaled by gamma / sqrt(running variance + eps), the output is scaled back,
// and batch norm acts on it by the batch's statistics. Once its statistics are
// frozen, the convolution runs with the folded weights and bias, the bias
// rounded to s_x * s_w, as exported.
//
// Tiny scales of batch norm: before the freeze, a channel's factor is held to
// where its largest weight is at least a 64th of the tensor's largest. So
// scaling back stays finite, and no channel loses all its weights to rounding,
// which would take its variance to 0.
class QatHooks : public TrainingHooks {
 public:
  // `graph` has shapes and its batch norms; `precision` is one a node. Errors:
  // InvalidArgument, naming the field of a spec.
  static absl::StatusOr<std::unique_ptr<QatHooks>> Create(
      const Graph& graph, const QuantizationSpec& quantization,
      const QatSpec& spec, const std::vector<Precision>& precision);

  void BeginStep(const TrainingPosition& position) override;
  at::Tensor Convolution(TrainableNetwork& network, int node,
                         const at::Tensor& input) override;
  at::Tensor Activation(int node, bool before_activation,
                        const at::Tensor& values) override;
  at::Tensor Input(int node, int producer, const at::Tensor& values) override;
  std::vector<at::Tensor> Parameters() override;
  std::vector<at::Tensor> State() override;
  std::unique_ptr<TrainingHooks> Replica() const override;
  // The ranges become those of the whole batch: the hulls of the parts'. (A
  // range moves by the same share in each, so the hull of what came of it is
  // what comes of the hull. Within the step each part was rounded in the range
  // that it moved itself.) Learned scales need no merging: all replicas start
  // them from the same ranges and weights, which stand still by then.
  void MergeState(absl::Span<TrainingHooks* const> others) override;

  // What decides the outcome besides the training's own arguments: for
  // TrainOptions::fingerprint. Bytes.
  std::string Fingerprint() const;

  // What training found, for QuantizeModel: the quantization of every tensor
  // and, with learned scales, the weights'. FailedPrecondition, naming the
  // node, when a tensor was never seen.
  absl::StatusOr<Calibration> Result() const;

 private:
  // What is known of one tensor: a row of state_. kSeen: 0 not yet, 1 has a
  // range, 2 (the first of a set) its scale is being learned.
  enum Column { kLow, kHigh, kSeen, kZeroPoint, kColumns };

  struct Site {
    int set = -1;            // index in sets_; -1: the site is left alone
    int tensor = -1;         // row of state_; -1: it moves values seen before
    bool quantized = false;  // for all who read it
  };

  // Tensors of one quantization.
  struct Set {
    std::vector<int> tensors;
    int parameter = -1;  // of log_scales_
  };

  QatHooks(const Graph& graph, const QuantizationSpec& quantization,
           const QatSpec& spec, std::vector<Precision> precision);

  void AddOutputs(bool share_concat);
  void AddBeforeActivations();
  void AddParameters();

  bool learning() const { return spec_.learned_scales() && observers_frozen_; }
  float* Row(int tensor) const;  // of state_
  void Observe(int tensor, const at::Tensor& values);
  TensorQuantization Observed(const Set& set) const;
  TensorQuantization Current(const Set& set) const;
  void StartLearning(const Set& set);
  at::Tensor FakeQuantized(const Set& set, const at::Tensor& values);

  // s_w of the weights of a node, (1) or (out), without gradient.
  at::Tensor WeightScales(int node, const at::Tensor& weight);
  at::Tensor FakeWeight(int node, const at::Tensor& weight,
                        const at::Tensor& scales);
  at::Tensor LearnedWeight(int node, const at::Tensor& weight);
  at::Tensor FakeBias(int node, const at::Tensor& bias,
                      const at::Tensor& scales);
  at::Tensor FakeConvolution(TrainableNetwork& network, int node,
                             const at::Tensor& input, const at::Tensor& weight,
                             const at::Tensor& bias);

  const Graph graph_;
  const QuantizationSpec quantization_;
  const QatSpec spec_;
  const std::vector<Precision> precision_;
  bool observers_frozen_ = false;
  bool batch_norm_frozen_ = false;
  double batch_share_ = 1;

  std::vector<Site> outputs_;  // parallel to the nodes
  std::vector<Site> before_activations_;
  std::vector<Set> sets_;
  std::vector<int> weight_parameters_;  // first of a node's in log_scales_
  int tensors_ = 0;

  at::Tensor state_;            // (tensors, kColumns)
  at::Tensor weights_started_;  // (nodes): 1 where log_scales_ holds the node's
  // The logarithms of all learned scales: Adam's steps are then relative, as
  // fits scales of any size.
  at::Tensor log_scales_;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_QAT_H_
