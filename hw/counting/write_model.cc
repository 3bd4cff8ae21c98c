// write_model PATH int8|fp32 fused|two_step WIDTH SIZE: a deployable YOLOv3 of
// 20 classes whose weights are random, but spread as trained ones are.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "model/graph.h"
#include "model/yolov3.h"
#include "quant/node_precision.h"
#include "quant/random_deployable.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::Status Write(char** arguments) {
  const std::string path = arguments[0];
  const Precision precision = std::string(arguments[1]) == "int8" ? INT8 : FP32;
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  spec.set_leaky(std::string(arguments[2]) == "fused"
                     ? QuantizationSpec::FUSED
                     : QuantizationSpec::TWO_STEP);
  Yolov3Options options;
  if (!absl::SimpleAtod(arguments[3], &options.width) ||
      !absl::SimpleAtoi(arguments[4], &options.input_size)) {
    return absl::InvalidArgumentError("width and size are numbers");
  }
  YOLOQ_ASSIGN_OR_RETURN(const Graph graph, BuildYolov3(options));
  const Graph folded = WithoutBatchNorm(graph);
  return WriteFileAtomically(
      path,
      RandomDeployable(folded,
                       PrecisionByPart(folded, precision, precision, precision),
                       spec, /*seed=*/1, WeightSpread::kNormal));
}

}  // namespace
}  // namespace yoloq

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(
        stderr,
        "usage: write_model PATH int8|fp32 fused|two_step WIDTH SIZE\n");
    return 2;
  }
  const absl::Status status = yoloq::Write(argv + 1);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}
