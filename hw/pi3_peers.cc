#include "hw/pi3_peers.h"

#include <cstdint>
#include <memory>

#include "absl/strings/str_cat.h"
#include "hw/native/backend.h"
#include "hw/pi3_board.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Convolutions of one shape. The output is `size` x `size`; the padding is half
// of the kernel.
struct Layer {
  int in;
  int out;
  int size;
  int kernel;
  int stride = 1;
  int count = 1;
  bool depthwise = false;
};

std::vector<Layer> Resnet18() {
  return {{3, 64, 112, 7, 2},      {64, 64, 56, 3, 1, 4}, {64, 128, 28, 3, 2},
          {128, 128, 28, 3, 1, 3}, {64, 128, 28, 1, 2},   {128, 256, 14, 3, 2},
          {256, 256, 14, 3, 1, 3}, {128, 256, 14, 1, 2},  {256, 512, 7, 3, 2},
          {512, 512, 7, 3, 1, 3},  {256, 512, 7, 1, 2},   {512, 1000, 1, 1}};
}

// With the stride in the first 1 x 1 of a stage, as its authors have it.
std::vector<Layer> Resnet50() {
  std::vector<Layer> layers = {{3, 64, 112, 7, 2}};
  int in = 64;
  int size = 56;
  int width = 64;
  for (const int blocks : {3, 4, 6, 3}) {
    const int stride = width == 64 ? 1 : 2;
    const int out = 4 * width;
    layers.push_back({in, width, size, 1, stride});
    layers.push_back({in, out, size, 1, stride});
    layers.push_back({out, width, size, 1, 1, blocks - 1});
    layers.push_back({width, width, size, 3, 1, blocks});
    layers.push_back({width, out, size, 1, 1, blocks});
    in = out;
    size /= 2;
    width *= 2;
  }
  layers.push_back({2048, 1000, 1, 1});
  return layers;
}

std::vector<Layer> MobilenetV1() {
  std::vector<Layer> layers = {{3, 32, 112, 3, 2}};
  const auto add = [&layers](int in, int out, int size, int stride, int count) {
    layers.push_back({in, in, size, 3, stride, count, true});
    layers.push_back({in, out, size, 1, 1, count});
  };
  add(32, 64, 112, 1, 1);
  add(64, 128, 56, 2, 1);
  add(128, 128, 56, 1, 1);
  add(128, 256, 28, 2, 1);
  add(256, 256, 28, 1, 1);
  add(256, 512, 14, 2, 1);
  add(512, 512, 14, 1, 5);
  add(512, 1024, 7, 2, 1);
  add(1024, 1024, 7, 1, 1);
  layers.push_back({1024, 1000, 1, 1});
  return layers;
}

std::vector<Layer> Yolov4Tiny() {
  std::vector<Layer> layers = {{3, 32, 208, 3, 2}, {32, 64, 104, 3, 2}};
  int width = 64;
  for (const int size : {104, 52, 26}) {
    layers.push_back({width, width, size, 3});
    layers.push_back({width / 2, width / 2, size, 3, 1, 2});
    layers.push_back({width, width, size, 1});
    width *= 2;
  }
  const std::vector<Layer> rest = {{512, 512, 13, 3}, {512, 256, 13, 1},
                                   {256, 512, 13, 3}, {512, 255, 13, 1},
                                   {256, 128, 13, 1}, {384, 256, 26, 3},
                                   {256, 255, 26, 1}};
  layers.insert(layers.end(), rest.begin(), rest.end());
  return layers;
}

// What ncnn executes of YOLOv3-416 and what this engine does, in G
// instructions, both counted under emulation with one thread: ours as in
// hw/testdata/counts_native_*.tsv.
double NcnnInstructions(Precision precision) {
  return precision == INT8 ? 4.21 / 3.36 : 4.62 / 4.48;
}

struct Network {
  const char* name;
  std::vector<Layer> (*layers)();
  double fp32_ms;
  double int8_ms;  // 0: not published
};

constexpr Network kNetworks[] = {
    {"resnet18", Resnet18, 272, 160},
    {"resnet50", Resnet50, 587, 392},
    {"mobilenet v1", MobilenetV1, 109, 67},
    {"yolov4-tiny", Yolov4Tiny, 417, 0},
};

ConvolutionTask TaskOf(const Layer& layer, Precision precision) {
  ConvolutionTask task;
  task.op.set_out_channels(layer.out);
  task.op.set_kernel(layer.kernel);
  task.op.set_stride(layer.stride);
  task.op.set_padding(layer.kernel / 2);
  task.op.set_groups(layer.depthwise ? layer.in : 1);
  task.op.set_activation(RELU);
  task.input.set_channels(layer.in);
  task.input.set_height(layer.size * layer.stride);
  task.input.set_width(layer.size * layer.stride);
  task.output.set_channels(layer.out);
  task.output.set_height(layer.size);
  task.output.set_width(layer.size);
  task.input_stride = layer.in;
  task.precision = precision;
  task.wants_bytes = precision == INT8;
  task.wants_reals = precision == FP32;
  task.bytes_stride = layer.out;
  task.reals_stride = layer.out;
  return task;
}

// Parameters of zeros: only their number matters to a plan.
absl::Status Plan(const Layer& layer, Precision precision,
                  ConvolutionBackend* backend) {
  ConvolutionTask task = TaskOf(layer, precision);
  const size_t weights = size_t{1} * layer.out * layer.kernel * layer.kernel *
                         (layer.depthwise ? 1 : layer.in);
  const std::vector<float> reals(weights);
  const std::vector<int8_t> bytes(weights);
  const std::vector<float> real_bias(layer.out);
  const std::vector<int32_t> bias(layer.out);
  const float scale = 1;
  if (precision == FP32) {
    task.float_weights = reals;
    task.float_bias = real_bias;
  } else {
    task.int8_weights = bytes;
    task.int32_bias = bias;
    task.weight_scales = absl::MakeConstSpan(&scale, 1);
    task.output_quantization = TensorQuantization();
  }
  for (int i = 0; i < layer.count; ++i) {
    YOLOQ_RETURN_IF_ERROR(backend->Create(task).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<double> BareMs(const std::vector<Layer>& layers,
                              Precision precision) {
  NativeOptions options;
  options.threads = kPi3Threads;
  options.kernels = kPi3Core;
  std::vector<ConvolutionPlan> plans;
  YOLOQ_ASSIGN_OR_RETURN(const auto backend,
                         NewPlanningBackend(options, &plans));
  for (const Layer& layer : layers) {
    YOLOQ_RETURN_IF_ERROR(Plan(layer, precision, backend.get()));
  }
  double ms = 0;
  for (const ConvolutionPlan& plan : plans) {
    const double computing = plan.computing_cycles / plan.cycles;
    ms += plan.ms * (1 + computing * (NcnnInstructions(precision) - 1));
  }
  return ms;
}

}  // namespace

absl::StatusOr<std::vector<Pi3Peer>> Pi3Peers() {
  std::vector<Pi3Peer> peers;
  for (const Network& network : kNetworks) {
    const std::vector<Layer> layers = network.layers();
    for (const Precision precision : {FP32, INT8}) {
      Pi3Peer peer;
      peer.name = absl::StrCat(network.name, " ", Precision_Name(precision));
      peer.published_ms = precision == INT8 ? network.int8_ms : network.fp32_ms;
      if (peer.published_ms == 0) continue;
      YOLOQ_ASSIGN_OR_RETURN(peer.bare_ms, BareMs(layers, precision));
      peers.push_back(std::move(peer));
    }
  }
  return peers;
}

}  // namespace yoloq
