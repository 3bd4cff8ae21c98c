#include "quant/deployable_check.h"

#include <cfloat>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "model/graph.h"
#include "quant/deployable.h"
#include "quant/integer_semantics.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int64_t kMaxTotalElements = int64_t{1} << 31;
// Of one output channel; 127 times as many fit int32.
constexpr int64_t kMaxWeightsPerOutput = int64_t{1} << 24;

bool SameShape(const Shape& a, const Shape& b) {
  return a.channels() == b.channels() && a.height() == b.height() &&
         a.width() == b.width();
}

bool SameQuantization(const TensorQuantization& a,
                      const TensorQuantization& b) {
  return a.scale() == b.scale() && a.zero_point() == b.zero_point();
}

absl::Status CheckGraph(const Graph& graph) {
  Graph inferred = graph;
  YOLOQ_RETURN_IF_ERROR(Annotate(InferShapes(&inferred), "graph"));
  int64_t total = 0;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    const Node& node = graph.nodes(i);
    if (!SameShape(node.output(), inferred.nodes(i).output())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "graph: node \"", node.name(),
          "\": stored output shape differs from the inferred one"));
    }
    if (node.convolution().batch_norm()) {
      return absl::InvalidArgumentError(
          absl::StrCat("graph: node \"", node.name(),
                       "\": batch norm is not folded into the convolution"));
    }
    total += ElementCount(node.output());
    if (total > kMaxTotalElements) {
      return absl::InvalidArgumentError(
          "graph: the tensors of all nodes have more than 2^31 elements");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckQuantization(const TensorQuantization& quantization,
                               absl::string_view field) {
  // Written so that NaN fails.
  if (!(quantization.scale() >= kMinScale &&
        quantization.scale() <= kMaxScale)) {
    return absl::InvalidArgumentError(absl::StrCat(
        field, ": scale ", quantization.scale(), " is not in [2^-60, 2^60]"));
  }
  if (quantization.zero_point() < 0 || quantization.zero_point() > 255) {
    return absl::InvalidArgumentError(absl::StrCat(field, ": zero point ",
                                                   quantization.zero_point(),
                                                   " is not in [0, 255]"));
  }
  return absl::OkStatus();
}

absl::Status CheckSpec(const QuantizationSpec& spec) {
  if (spec.weights() != QuantizationSpec::PER_TENSOR &&
      spec.weights() != QuantizationSpec::PER_CHANNEL) {
    return absl::InvalidArgumentError(
        "quantization: weights is neither PER_TENSOR nor PER_CHANNEL");
  }
  if (spec.leaky() != QuantizationSpec::FUSED &&
      spec.leaky() != QuantizationSpec::TWO_STEP) {
    return absl::InvalidArgumentError(
        "quantization: leaky is neither FUSED nor TWO_STEP");
  }
  if (spec.concat() != QuantizationSpec::REQUANTIZE &&
      spec.concat() != QuantizationSpec::SHARED_SCALE) {
    return absl::InvalidArgumentError(
        "quantization: concat is neither REQUANTIZE nor SHARED_SCALE");
  }
  return absl::OkStatus();
}

// Checks the node at one index; its inputs have been checked before.
class NodeChecker {
 public:
  NodeChecker(const DeployableModel& model, absl::string_view data, int index)
      : model_(model),
        data_(data),
        index_(index),
        node_(model.graph().nodes(index)),
        execution_(model.nodes(index)),
        int8_(execution_.precision() == INT8) {}

  absl::Status Check() const {
    YOLOQ_RETURN_IF_ERROR(CheckPrecision());
    YOLOQ_RETURN_IF_ERROR(CheckOutput());
    YOLOQ_RETURN_IF_ERROR(CheckBeforeActivation());
    if (node_.has_convolution()) return CheckConvolution();
    if (execution_.has_weights() || execution_.has_bias() ||
        execution_.has_weight_scales()) {
      return absl::InvalidArgumentError(
          "has weights, but is not a convolution");
    }
    return absl::OkStatus();
  }

 private:
  const NodeExecution& InputExecution(int which) const {
    return model_.nodes(node_.inputs(which));
  }

  absl::Status CheckPrecision() const {
    if (execution_.precision() != FP32 && execution_.precision() != INT8) {
      return absl::InvalidArgumentError("precision is neither FP32 nor INT8");
    }
    if (node_.has_yolo_head() &&
        execution_.precision() != InputExecution(0).precision()) {
      return absl::InvalidArgumentError(
          "a YOLO head must have the precision of its input");
    }
    return absl::OkStatus();
  }

  absl::Status CheckOutput() const {
    if (int8_ && !execution_.has_output()) {
      return absl::InvalidArgumentError("output: an INT8 node needs it");
    }
    if (execution_.has_output()) {
      YOLOQ_RETURN_IF_ERROR(CheckQuantization(execution_.output(), "output"));
      if (node_.has_input() &&
          (execution_.output().scale() != kInputScale ||
           execution_.output().zero_point() != kInputZeroPoint)) {
        return absl::InvalidArgumentError(
            "output: the network's input must have scale 1/255 and zero point "
            "0");
      }
    }
    if (!int8_) return absl::OkStatus();
    for (int i = 0; i < node_.inputs_size(); ++i) {
      if (!InputExecution(i).has_output()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "reads \"", model_.graph().nodes(node_.inputs(i)).name(),
            "\" in INT8, but that node has no output quantization"));
      }
    }
    const bool moves_bytes = node_.has_upsample() || node_.has_max_pool() ||
                             node_.has_slice() || node_.has_yolo_head();
    if (moves_bytes &&
        !SameQuantization(execution_.output(), InputExecution(0).output())) {
      return absl::InvalidArgumentError(
          "output: must be the quantization of the node's input");
    }
    return absl::OkStatus();
  }

  absl::Status CheckBeforeActivation() const {
    const bool wanted =
        int8_ && node_.has_convolution() &&
        node_.convolution().activation() == LEAKY &&
        model_.quantization().leaky() == QuantizationSpec::TWO_STEP;
    if (wanted != execution_.has_before_activation()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "before_activation ", wanted ? "is missing" : "has no meaning here",
          " (it belongs to INT8 leaky convolutions in mode TWO_STEP)"));
    }
    if (!wanted) return absl::OkStatus();
    return CheckQuantization(execution_.before_activation(),
                             "before_activation");
  }

  absl::Status CheckBlob(const Blob& blob, uint64_t size_bytes,
                         absl::string_view field) const {
    if (blob.size_bytes() != size_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": ", blob.size_bytes(),
                       " bytes, the graph asks for ", size_bytes));
    }
    if (blob.offset_bytes() % kBlobAlignmentBytes != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": offset ", blob.offset_bytes(),
                       " is not a multiple of ", kBlobAlignmentBytes));
    }
    if (blob.offset_bytes() > data_.size() ||
        size_bytes > data_.size() - blob.offset_bytes()) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": lies outside the data section"));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Span<const T> View(const Blob& blob) const {
    return absl::MakeConstSpan(
        reinterpret_cast<const T*>(data_.data() + blob.offset_bytes()),
        blob.size_bytes() / sizeof(T));
  }

  absl::Status CheckConvolution() const {
    const ConvolutionOp& op = node_.convolution();
    const int64_t weights = WeightCount(model_.graph(), index_);
    const int64_t per_output = weights / op.out_channels();
    if (per_output > kMaxWeightsPerOutput) {
      return absl::InvalidArgumentError(
          "more than 2^24 weights an output channel");
    }
    const uint64_t out = op.out_channels();
    YOLOQ_RETURN_IF_ERROR(
        CheckBlob(execution_.weights(), weights * (int8_ ? 1 : 4), "weights"));
    YOLOQ_RETURN_IF_ERROR(CheckBlob(execution_.bias(), out * 4, "bias"));
    if (!int8_) return CheckFloatValues();
    const Blob& scales = execution_.weight_scales();
    YOLOQ_RETURN_IF_ERROR(CheckBlob(
        scales, scales.size_bytes() == 4 ? 4 : out * 4, "weight_scales"));
    YOLOQ_RETURN_IF_ERROR(CheckInt8Weights(per_output));
    return CheckMultipliers();
  }

  absl::Status CheckFloatValues() const {
    if (execution_.has_weight_scales()) {
      return absl::InvalidArgumentError(
          "weight_scales: an FP32 convolution has none");
    }
    for (const Blob* blob : {&execution_.weights(), &execution_.bias()}) {
      bool finite = true;
      // x - x is 0 for finite x, else NaN: a loop that the compiler vectorizes.
      for (const float x : View<float>(*blob)) finite &= x - x == 0;
      if (!finite) {
        return absl::InvalidArgumentError(
            "weights or bias: a value is not finite");
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckInt8Weights(int64_t per_output) const {
    const absl::Span<const int8_t> weights = View<int8_t>(execution_.weights());
    const absl::Span<const int32_t> bias = View<int32_t>(execution_.bias());
    for (size_t c = 0; c < bias.size(); ++c) {
      int32_t sum = 0;
      int least = 0;
      for (const int8_t w : weights.subspan(c * per_output, per_output)) {
        sum += std::abs(static_cast<int>(w));
        least = w < least ? w : least;
      }
      if (least == -128) {
        return absl::InvalidArgumentError(absl::StrCat(
            "weights: output channel ", c, " holds -128, outside [-127, 127]"));
      }
      const int64_t largest =
          int64_t{255} * sum + std::abs(static_cast<int64_t>(bias[c]));
      if (largest > std::numeric_limits<int32_t>::max()) {
        return absl::InvalidArgumentError(
            absl::StrCat("weights and bias: the accumulator of output channel ",
                         c, " can leave int32"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckMultipliers() const {
    const float s_x = InputExecution(0).output().scale();
    const float s_y = execution_.has_before_activation()
                          ? execution_.before_activation().scale()
                          : execution_.output().scale();
    const absl::Span<const float> scales =
        View<float>(execution_.weight_scales());
    for (size_t c = 0; c < scales.size(); ++c) {
      if (!(scales[c] >= kMinScale && scales[c] <= kMaxScale)) {
        return absl::InvalidArgumentError(
            absl::StrCat("weight_scales: value ", c, " is ", scales[c],
                         ", not in [2^-60, 2^60]"));
      }
      const float multiplier = RequantizationMultiplier(s_x, scales[c], s_y);
      if (!std::isnormal(multiplier)) {
        return absl::InvalidArgumentError(
            absl::StrCat("weight_scales: value ", c, " makes the multiplier ",
                         multiplier, ", which is not a normal float32"));
      }
    }
    return absl::OkStatus();
  }

  const DeployableModel& model_;
  const absl::string_view data_;
  const int index_;
  const Node& node_;
  const NodeExecution& execution_;
  const bool int8_;
};

}  // namespace

absl::Status CheckDeployable(const DeployableModel& model,
                             absl::string_view data) {
  YOLOQ_RETURN_IF_ERROR(CheckGraph(model.graph()));
  if (model.nodes_size() != model.graph().nodes_size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("nodes: ", model.nodes_size(), " entries, the graph has ",
                     model.graph().nodes_size(), " nodes"));
  }
  for (const NodeExecution& execution : model.nodes()) {
    if (execution.precision() == INT8) {
      YOLOQ_RETURN_IF_ERROR(CheckSpec(model.quantization()));
      break;
    }
  }
  for (int i = 0; i < model.nodes_size(); ++i) {
    YOLOQ_RETURN_IF_ERROR(
        Annotate(NodeChecker(model, data, i).Check(),
                 absl::StrCat("node \"", model.graph().nodes(i).name(), "\"")));
  }
  return absl::OkStatus();
}

}  // namespace yoloq
