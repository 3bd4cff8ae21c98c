#include "experiments/network.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "eval/voc.h"
#include "model/darknet_cfg.h"
#include "model/darknet_weights.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/digest.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::StatusOr<Graph> ImportGraph(const ModelSpec& spec) {
  DarknetCfgOptions options;
  for (const ModelSpec::PartRange& range : spec.parts()) {
    PartRange& part = options.parts.emplace_back();
    part.first_layer = range.first_layer();
    part.last_layer = range.last_layer();
    Part_Parse(range.part(), &part.part);
  }
  YOLOQ_ASSIGN_OR_RETURN(Graph graph, ReadDarknetCfg(spec.cfg(), options));
  if (spec.input_size() > 0) {
    YOLOQ_RETURN_IF_ERROR(
        Annotate(SetInputSize(spec.input_size(), &graph), spec.cfg()));
  }
  const Shape& input = graph.nodes(0).output();
  if (input.width() != input.height()) {
    return absl::InvalidArgumentError(absl::StrCat(
        spec.cfg(), ": the input is ", input.width(), " x ", input.height(),
        "; only square inputs are evaluated: set model.input_size"));
  }
  return graph;
}

absl::StatusOr<Graph> BuildGraph(const ModelSpec& spec, int classes) {
  Yolov3Options options;
  options.classes = classes;
  if (spec.width() > 0) options.width = spec.width();
  options.input_size = spec.input_size();
  return BuildYolov3(options);
}

absl::Status CheckClasses(const Graph& graph, const ModelSpec& spec,
                          size_t names) {
  const std::vector<int> heads = YoloHeads(graph);
  if (heads.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(spec.cfg(), ": has no [yolo] layer: nothing to evaluate"));
  }
  for (const int head : heads) {
    const int classes = graph.nodes(head).yolo_head().classes();
    if (classes != static_cast<int>(names)) {
      return absl::InvalidArgumentError(
          absl::StrCat(spec.cfg(), ": ", graph.nodes(head).name(), " has ",
                       classes, " classes, but there are ", names,
                       " class names; give --names=FILE with one name a line"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Network> Network::Open(const ModelSpec& spec) {
  Network network(spec);
  network.class_names_ = VocClassNames();
  if (!spec.names().empty()) {
    YOLOQ_ASSIGN_OR_RETURN(network.class_names_, ReadClassNames(spec.names()));
  }
  YOLOQ_ASSIGN_OR_RETURN(
      network.graph_,
      spec.cfg().empty()
          ? BuildGraph(spec, static_cast<int>(network.class_names_.size()))
          : ImportGraph(spec));
  YOLOQ_RETURN_IF_ERROR(
      CheckClasses(network.graph_, spec, network.class_names_.size()));

  Sha256 key;
  key.Update(SerializeDeterministically(network.graph_));
  if (spec.weights().empty()) {
    key.Update(absl::StrCat("random weights ", spec.weight_seed()));
  } else {
    YOLOQ_ASSIGN_OR_RETURN(network.weights_sha256_,
                           FileSha256Hex(spec.weights()));
    if (!spec.weights_sha256().empty() &&
        spec.weights_sha256() != network.weights_sha256_) {
      return absl::DataLossError(absl::StrCat(
          spec.weights(), ": its SHA-256 is ", network.weights_sha256_,
          ", but the profile's weights_sha256 is ", spec.weights_sha256(),
          "; fetch the file again, or correct the profile"));
    }
    key.Update(network.weights_sha256_);
  }
  network.key_ = key.Finish();
  return network;
}

MeasuredModel Network::Measured() const {
  MeasuredModel model;
  model.set_label(absl::StrCat(
      graph_.name(), ", ", class_names_.size(), " classes, ",
      spec_.weights().empty()
          ? absl::StrCat("random weights (seed ", spec_.weight_seed(), ")")
          : absl::StrCat("weights ", weights_sha256_.substr(0, 12))));
  int64_t parameters = 0;
  for (int i = 0; i < graph_.nodes_size(); ++i) {
    parameters += ParameterCount(graph_, i);
  }
  model.set_parameters(parameters);
  model.set_input_size(input_size());
  return model;
}

absl::StatusOr<const Weights*> Network::LoadWeights() {
  if (weights_ != nullptr) return weights_.get();
  if (spec_.weights().empty()) {
    weights_ =
        std::make_unique<Weights>(RandomWeights(graph_, spec_.weight_seed()));
  } else {
    YOLOQ_ASSIGN_OR_RETURN(DarknetWeights read,
                           ReadDarknetWeights(spec_.weights(), graph_));
    weights_ = std::make_unique<Weights>(std::move(read.weights));
  }
  return weights_.get();
}

}  // namespace yoloq
