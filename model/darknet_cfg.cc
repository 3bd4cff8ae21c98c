#include "model/darknet_cfg.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "model/darknet_sections.h"
#include "model/graph.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr size_t kMaxCfgBytes = size_t{1} << 20;

// The keys of one kind of section. `ignored` matter to training or to darknet's
// own preprocessing and post-processing only.
struct Keys {
  std::vector<absl::string_view> used;
  std::vector<absl::string_view> ignored;
  std::vector<DarknetSection::NeutralKey> neutral;
};

const Keys& NetKeys() {
  static const auto* const keys = new Keys{{"width", "height", "channels"},
                                           {"B1",
                                            "B2",
                                            "adam",
                                            "angle",
                                            "aspect",
                                            "batch",
                                            "blur",
                                            "burn_in",
                                            "crop",
                                            "cutmix",
                                            "decay",
                                            "dynamic_minibatch",
                                            "ema_alpha",
                                            "eps",
                                            "exposure",
                                            "flip",
                                            "gamma",
                                            "hue",
                                            "label_smooth_eps",
                                            "learning_rate",
                                            "letter_box",
                                            "loss_scale",
                                            "max_batches",
                                            "max_chart_loss",
                                            "max_crop",
                                            "min_crop",
                                            "mixup",
                                            "momentum",
                                            "mosaic",
                                            "mosaic_bound",
                                            "optimized_memory",
                                            "policy",
                                            "power",
                                            "random",
                                            "saturation",
                                            "scale",
                                            "scales",
                                            "show_receptive_field",
                                            "step",
                                            "steps",
                                            "subdivisions",
                                            "try_fix_nan",
                                            "workspace_size_limit_MB"},
                                           {}};
  return *keys;
}

const Keys& ConvolutionKeys() {
  static const auto* const keys =
      new Keys{{"filters", "size", "stride", "pad", "padding", "groups",
                "batch_normalize", "activation"},
               {"stopbackward"},
               {{"antialiasing", "0"},
                {"binary", "0"},
                {"bin_output", "0"},
                {"dilation", "1"},
                {"dontload", "0"},
                {"flipped", "0"},
                {"xnor", "0"}}};
  return *keys;
}

const Keys& ShortcutKeys() {
  static const auto* const keys =
      new Keys{{"from", "activation"}, {}, {{"weights_type", "none"}}};
  return *keys;
}

const Keys& RouteKeys() {
  static const auto* const keys =
      new Keys{{"layers", "groups", "group_id"}, {"stopbackward"}, {}};
  return *keys;
}

const Keys& MaxPoolKeys() {
  static const auto* const keys =
      new Keys{{"size", "stride", "padding"},
               {},
               {{"antialiasing", "0"}, {"maxpool_depth", "0"}}};
  return *keys;
}

const Keys& UpsampleKeys() {
  static const auto* const keys = new Keys{{"stride"}, {}, {{"scale", "1"}}};
  return *keys;
}

const Keys& YoloKeys() {
  static const auto* const keys = new Keys{
      {"mask", "anchors", "classes", "num", "scale_x_y", "ignore_thresh"},
      {"beta_nms",
       "cls_normalizer",
       "counters_per_class",
       "delta_normalizer",
       "focal_loss",
       "iou_loss",
       "iou_normalizer",
       "iou_thresh",
       "iou_thresh_kind",
       "jitter",
       "label_smooth_eps",
       "max",
       "max_delta",
       "nms_kind",
       "obj_normalizer",
       "objectness_smooth",
       "random",
       "resize",
       "truth_thresh",
       "uc_normalizer"},
      {{"new_coords", "0"}}};
  return *keys;
}

absl::Status CheckKeys(const DarknetSection& section, const Keys& keys) {
  return section.CheckKeys(keys.used, keys.ignored, keys.neutral);
}

absl::Status CheckAtLeast(const DarknetSection& section, absl::string_view key,
                          int value, int low) {
  if (value >= low) return absl::OkStatus();
  return section.KeyError(key,
                          absl::StrCat(value, " is too small, at least ", low));
}

absl::StatusOr<Activation> ParseActivation(const DarknetSection& section) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, section.Text("activation"));
  if (text == "linear") return LINEAR;
  if (text == "relu") return RELU;
  if (text == "leaky") return LEAKY;
  return section.KeyError(
      "activation",
      absl::StrCat("'", text,
                   "' is not supported, only linear, relu and leaky"));
}

// Builds the graph layer by layer.
class Importer {
 public:
  explicit Importer(absl::string_view name) {
    graph_.set_name(std::string(name));
  }

  absl::Status AddInput(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, NetKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const int width, section.Int("width"));
    YOLOQ_ASSIGN_OR_RETURN(const int height, section.Int("height"));
    YOLOQ_ASSIGN_OR_RETURN(const int channels, section.IntOr("channels", 3));
    if (channels != 3) {
      return section.KeyError(
          "channels",
          absl::StrCat(channels, " is not supported, only 3 (RGB)"));
    }
    Node* input = graph_.add_nodes();
    input->set_name("input");
    input->set_source_layer(-1);
    input->mutable_input();
    input->mutable_output()->set_channels(channels);
    input->mutable_output()->set_height(height);
    input->mutable_output()->set_width(width);
    return Finish(section);
  }

  absl::Status AddLayer(const DarknetSection& section) {
    if (graph_.nodes_size() >= kMaxNodes) {
      return section.Error(
          absl::StrCat("more than ", kMaxNodes, " nodes are not supported"));
    }
    YOLOQ_RETURN_IF_ERROR(Dispatch(section));
    ++layer_;
    return absl::OkStatus();
  }

  Graph& graph() { return graph_; }

 private:
  absl::Status Dispatch(const DarknetSection& section) {
    const std::string& name = section.name();
    if (name == "convolutional" || name == "conv") {
      return AddConvolution(section);
    }
    if (name == "shortcut") return AddShortcut(section);
    if (name == "route") return AddRoute(section);
    if (name == "maxpool" || name == "max") return AddMaxPool(section);
    if (name == "upsample") return AddUpsample(section);
    if (name == "yolo") return AddYolo(section);
    if (name == "net" || name == "network") {
      return section.Error("only the first section may be this one");
    }
    return section.Error(absl::StrCat(
        "this kind of layer is not supported; to import what stands before "
        "it, ask for the first ",
        layer_, " layers"));
  }

  absl::Status AddConvolution(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, ConvolutionKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const int input, Previous(section));
    YOLOQ_ASSIGN_OR_RETURN(const int filters, section.Int("filters"));
    YOLOQ_ASSIGN_OR_RETURN(const int size, section.Int("size"));
    YOLOQ_ASSIGN_OR_RETURN(const int stride, section.IntOr("stride", 1));
    YOLOQ_ASSIGN_OR_RETURN(const bool pad, section.BoolOr("pad", false));
    YOLOQ_ASSIGN_OR_RETURN(const int padding, section.IntOr("padding", 0));
    YOLOQ_ASSIGN_OR_RETURN(const int groups, section.IntOr("groups", 1));
    YOLOQ_ASSIGN_OR_RETURN(const bool batch_norm,
                           section.BoolOr("batch_normalize", false));
    YOLOQ_ASSIGN_OR_RETURN(const Activation activation,
                           ParseActivation(section));
    ConvolutionOp* op = NewNode("conv", {input})->mutable_convolution();
    op->set_out_channels(filters);
    op->set_kernel(size);
    op->set_stride(stride);
    // Darknet: pad=1 overrides padding.
    op->set_padding(pad ? size / 2 : padding);
    op->set_groups(groups);
    op->set_batch_norm(batch_norm);
    op->set_activation(activation);
    return FinishLayer(section);
  }

  absl::Status AddShortcut(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, ShortcutKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const std::vector<int> from, section.Ints("from"));
    if (from.size() != 1) {
      return section.KeyError(
          "from",
          absl::StrCat(from.size(), " layers are not supported, exactly one"));
    }
    YOLOQ_ASSIGN_OR_RETURN(const int previous, Previous(section));
    YOLOQ_ASSIGN_OR_RETURN(const int other, Resolve(section, "from", from[0]));
    Activation activation = LINEAR;
    if (section.Has("activation")) {
      YOLOQ_ASSIGN_OR_RETURN(activation, ParseActivation(section));
    }
    NewNode("add", {previous, other})
        ->mutable_add()
        ->set_activation(activation);
    return FinishLayer(section);
  }

  absl::Status AddRoute(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, RouteKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const std::vector<int> layers,
                           section.Ints("layers"));
    YOLOQ_ASSIGN_OR_RETURN(const int groups, section.IntOr("groups", 1));
    YOLOQ_ASSIGN_OR_RETURN(const int group_id, section.IntOr("group_id", 0));
    YOLOQ_RETURN_IF_ERROR(CheckAtLeast(section, "groups", groups, 1));
    if (group_id < 0 || group_id >= groups) {
      return section.KeyError(
          "group_id", absl::StrCat(group_id, " must be from 0 to groups - 1 = ",
                                   groups - 1));
    }
    if (graph_.nodes_size() + layers.size() >= kMaxNodes) {
      return section.KeyError("layers", "too many");
    }
    std::vector<int> inputs;
    for (size_t i = 0; i < layers.size(); ++i) {
      YOLOQ_ASSIGN_OR_RETURN(int input, Resolve(section, "layers", layers[i]));
      if (groups > 1) {
        const std::string suffix =
            layers.size() > 1 ? absl::StrCat("_", i) : "";
        YOLOQ_ASSIGN_OR_RETURN(
            input, AddSlice(section, input, groups, group_id, suffix));
      }
      inputs.push_back(input);
    }
    if (inputs.size() == 1) {
      node_of_layer_.push_back(inputs[0]);
      return absl::OkStatus();
    }
    NewNode("concat", inputs)->mutable_concat();
    return FinishLayer(section);
  }

  absl::StatusOr<int> AddSlice(const DarknetSection& section, int input,
                               int groups, int group_id,
                               absl::string_view suffix) {
    const int channels = graph_.nodes(input).output().channels();
    if (channels % groups != 0) {
      return section.KeyError(
          "groups", absl::StrCat(groups, " does not divide the ", channels,
                                 " channels of the input"));
    }
    Node* node = NewNode("slice", {input});
    absl::StrAppend(node->mutable_name(), suffix);
    node->mutable_slice()->set_begin(channels / groups * group_id);
    node->mutable_slice()->set_count(channels / groups);
    YOLOQ_RETURN_IF_ERROR(Finish(section));
    return graph_.nodes_size() - 1;
  }

  absl::Status AddMaxPool(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, MaxPoolKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const int input, Previous(section));
    YOLOQ_ASSIGN_OR_RETURN(const int stride, section.IntOr("stride", 1));
    YOLOQ_ASSIGN_OR_RETURN(const int size, section.IntOr("size", stride));
    YOLOQ_RETURN_IF_ERROR(CheckAtLeast(section, "size", size, 1));
    YOLOQ_ASSIGN_OR_RETURN(const int padding,
                           section.IntOr("padding", size - 1));
    MaxPoolOp* op = NewNode("pool", {input})->mutable_max_pool();
    op->set_size(size);
    op->set_stride(stride);
    op->set_padding_total(padding);
    return FinishLayer(section);
  }

  absl::Status AddUpsample(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, UpsampleKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const int input, Previous(section));
    YOLOQ_ASSIGN_OR_RETURN(const int stride, section.IntOr("stride", 2));
    NewNode("upsample", {input})->mutable_upsample()->set_factor(stride);
    return FinishLayer(section);
  }

  absl::Status AddYolo(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(CheckKeys(section, YoloKeys()));
    YOLOQ_ASSIGN_OR_RETURN(const int input, Previous(section));
    YOLOQ_ASSIGN_OR_RETURN(const std::vector<float> anchors,
                           section.Floats("anchors"));
    if (anchors.size() % 2 != 0) {
      return section.KeyError(
          "anchors",
          absl::StrCat(anchors.size(), " numbers, but each anchor takes two"));
    }
    const int num = anchors.size() / 2;
    YOLOQ_ASSIGN_OR_RETURN(const int said_num, section.IntOr("num", num));
    if (said_num != num) {
      return section.KeyError(
          "num", absl::StrCat(said_num, ", but there are ", num, " anchors"));
    }
    std::vector<int> mask;
    if (section.Has("mask")) {
      YOLOQ_ASSIGN_OR_RETURN(mask, section.Ints("mask"));
    } else {
      for (int i = 0; i < num; ++i) mask.push_back(i);
    }
    YOLOQ_ASSIGN_OR_RETURN(const int classes, section.Int("classes"));
    YOLOQ_ASSIGN_OR_RETURN(const float scale, section.FloatOr("scale_x_y", 1));
    YOLOQ_ASSIGN_OR_RETURN(const float ignore,
                           section.FloatOr("ignore_thresh", 0.5f));
    YoloHeadOp* op = NewNode("yolo", {input})->mutable_yolo_head();
    for (int i = 0; i < num; ++i) {
      YoloHeadOp::Anchor* anchor = op->add_anchors();
      anchor->set_width(anchors[2 * i]);
      anchor->set_height(anchors[2 * i + 1]);
    }
    op->mutable_mask()->Add(mask.begin(), mask.end());
    op->set_classes(classes);
    op->set_scale_x_y(scale);
    op->set_ignore_threshold(ignore);
    return FinishLayer(section);
  }

  // Node of the layer before this one.
  absl::StatusOr<int> Previous(const DarknetSection& section) const {
    if (layer_ == 0) return 0;
    return NodeOfLayer(section, section.name(), layer_ - 1);
  }

  // Node of the layer that a key names: absolute, or relative when negative.
  absl::StatusOr<int> Resolve(const DarknetSection& section,
                              absl::string_view key, int reference) const {
    // In 64 bits: the reference may be any int.
    const int64_t layer =
        reference < 0 ? int64_t{layer_} + reference : int64_t{reference};
    if (layer < 0) {
      return section.KeyError(key,
                              absl::StrCat(reference,
                                           " reaches before layer 0; this is "
                                           "layer ",
                                           layer_));
    }
    if (layer >= layer_) {
      return section.KeyError(
          key, absl::StrCat(reference, " names layer ", layer,
                            ", which does not come before this one (layer ",
                            layer_, ")"));
    }
    return NodeOfLayer(section, key, static_cast<int>(layer));
  }

  absl::StatusOr<int> NodeOfLayer(const DarknetSection& section,
                                  absl::string_view key, int layer) const {
    const int node = node_of_layer_[layer];
    if (graph_.nodes(node).has_yolo_head()) {
      return section.KeyError(
          key, absl::StrCat("layer ", layer,
                            " is a [yolo], whose output no layer can read"));
    }
    return node;
  }

  Node* NewNode(absl::string_view kind, const std::vector<int>& inputs) {
    Node* node = graph_.add_nodes();
    node->set_name(absl::StrCat(kind, "_", layer_));
    node->set_source_layer(layer_);
    for (const int input : inputs) node->add_inputs(input);
    return node;
  }

  absl::Status FinishLayer(const DarknetSection& section) {
    YOLOQ_RETURN_IF_ERROR(Finish(section));
    node_of_layer_.push_back(graph_.nodes_size() - 1);
    return absl::OkStatus();
  }

  // Checks the node added last.
  absl::Status Finish(const DarknetSection& section) {
    const absl::Status status = InferShape(&graph_, graph_.nodes_size() - 1);
    return status.ok() ? status : section.Error(status.message());
  }

  Graph graph_;
  int layer_ = 0;
  std::vector<int> node_of_layer_;
};

// "a/yolov3.cfg" -> "yolov3".
absl::string_view Stem(absl::string_view file) {
  const size_t slash = file.find_last_of('/');
  if (slash != absl::string_view::npos) file.remove_prefix(slash + 1);
  absl::ConsumeSuffix(&file, ".cfg");
  return file;
}

}  // namespace

absl::StatusOr<Graph> ParseDarknetCfg(absl::string_view text,
                                      absl::string_view file,
                                      const DarknetCfgOptions& options) {
  if (text.size() > kMaxCfgBytes) {
    return absl::InvalidArgumentError(absl::StrCat(file, ": ", text.size(),
                                                   " bytes are too many for a "
                                                   ".cfg, at most ",
                                                   kMaxCfgBytes));
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::vector<DarknetSection> sections,
                         ParseDarknetSections(text, file));
  if (sections.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": no section; a network begins with [net]"));
  }
  if (sections[0].name() != "net" && sections[0].name() != "network") {
    return sections[0].Error("the first section must be [net]");
  }
  const int layers = static_cast<int>(sections.size()) - 1;
  if (layers == 0) return sections[0].Error("no layer follows");
  if (options.layers < 0 || options.layers > layers) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": the first ", options.layers,
                     " layers were asked for, but there are ", layers));
  }
  Importer importer(Stem(file));
  YOLOQ_RETURN_IF_ERROR(importer.AddInput(sections[0]));
  const int imported = options.layers > 0 ? options.layers : layers;
  for (int i = 1; i <= imported; ++i) {
    YOLOQ_RETURN_IF_ERROR(importer.AddLayer(sections[i]));
  }
  Graph graph = std::move(importer.graph());
  AssignParts(&graph);
  YOLOQ_RETURN_IF_ERROR(Annotate(InferShapes(&graph), file));
  YOLOQ_RETURN_IF_ERROR(Annotate(OverrideParts(options.parts, &graph), file));
  return graph;
}

absl::StatusOr<Graph> ReadDarknetCfg(const std::string& path,
                                     const DarknetCfgOptions& options) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  return ParseDarknetCfg(text, path, options);
}

}  // namespace yoloq
