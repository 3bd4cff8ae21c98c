// bazel run //model:describe [-- --cfg=yolov3-voc.cfg]: a network in numbers.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "model/darknet_cfg.h"
#include "model/description.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "tools/base/status_macros.h"
#include "tools/base/user_path.h"

ABSL_FLAG(
    std::string, cfg, "",
    "Darknet .cfg to describe; empty: YOLOv3 as model/yolov3.h builds it.");
ABSL_FLAG(int, classes, 20, "Class count. Not with --cfg.");
ABSL_FLAG(double, width, 1, "Factor on the channel counts. Not with --cfg.");
ABSL_FLAG(int, input_size, 0,
          "Side of the square input in pixels; 0: the .cfg's own, or 416.");
ABSL_FLAG(bool, layers, false, "Also list every node.");

namespace yoloq {
namespace {

absl::StatusOr<Graph> LoadGraph() {
  const int input_size = absl::GetFlag(FLAGS_input_size);
  const std::string cfg = absl::GetFlag(FLAGS_cfg);
  if (cfg.empty()) {
    Yolov3Options options;
    options.classes = absl::GetFlag(FLAGS_classes);
    options.width = absl::GetFlag(FLAGS_width);
    if (input_size != 0) options.input_size = input_size;
    return BuildYolov3(options);
  }
  YOLOQ_ASSIGN_OR_RETURN(Graph graph, ReadDarknetCfg(UserPath(cfg)));
  if (input_size != 0) {
    YOLOQ_RETURN_IF_ERROR(
        Annotate(SetInputSize(input_size, &graph), "--input_size"));
  }
  return graph;
}

int Main() {
  const absl::StatusOr<Graph> graph = LoadGraph();
  if (!graph.ok()) {
    std::fprintf(stderr, "%s\n", graph.status().ToString().c_str());
    return 1;
  }
  const Shape& input = graph->nodes(0).output();
  std::printf("%s at %d x %d\n\n", graph->name().c_str(), input.width(),
              input.height());
  if (absl::GetFlag(FLAGS_layers)) {
    std::printf("%s\n", DescribeNodes(*graph).c_str());
  }
  std::printf(
      "%s\nBytes are those of weights and biases with batch norm folded: "
      "all in FP32,\nor INT8 weights with INT32 biases.\n",
      DescribeParts(*graph).c_str());
  return 0;
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "Prints convolutions, parameters, multiply-accumulates and weight sizes "
      "of a network, part by part.");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    std::fprintf(stderr, "no argument is expected beside flags: %s\n", rest[1]);
    return 1;
  }
  return yoloq::Main();
}
