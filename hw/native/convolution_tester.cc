#include "hw/native/convolution_tester.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "absl/strings/str_cat.h"
#include "quant/integer_semantics.h"

namespace yoloq {
namespace native {
namespace {

constexpr uint8_t kUntouchedByte = 77;
constexpr float kUntouchedReal = -12345;

// Unit roundoff of float.
constexpr double kRoundoff = 1.0 / (1 << 24);

int Draw(std::mt19937_64* random, Values values, int low, int high) {
  switch (values) {
    case Values::kExtremes:
      return (*random)() % 2 == 0 ? low : high;
    case Values::kLargest:
      return high;
    default:
      return std::uniform_int_distribution<int>(low, high)(*random);
  }
}

// Visits the taps of one output value that lie inside the picture: f(index of
// input value, index of weight).
template <typename F>
void VisitTaps(const ConvolutionTask& task, int y, int x, int n, const F& f) {
  const ConvolutionOp& op = task.op;
  const int inputs = task.input.channels() / op.groups();
  const int group = n / (op.out_channels() / op.groups());
  for (int i = 0; i < op.kernel(); ++i) {
    for (int j = 0; j < op.kernel(); ++j) {
      const int iy = y * op.stride() - op.padding() + i;
      const int ix = x * op.stride() - op.padding() + j;
      if (iy < 0 || iy >= task.input.height()) continue;
      if (ix < 0 || ix >= task.input.width()) continue;
      for (int c = 0; c < inputs; ++c) {
        f((int64_t{iy} * task.input.width() + ix) * task.input_stride +
              group * inputs + c,
          ((int64_t{n} * inputs + c) * op.kernel() + i) * op.kernel() + j);
      }
    }
  }
}

// f(pixel, channel, y, x) for every output value.
template <typename F>
void VisitOutputs(const ConvolutionTask& task, const F& f) {
  for (int y = 0; y < task.output.height(); ++y) {
    for (int x = 0; x < task.output.width(); ++x) {
      for (int n = 0; n < task.output.channels(); ++n) {
        f(int64_t{y} * task.output.width() + x, n, y, x);
      }
    }
  }
}

double Activate(double x, Activation activation) {
  if (activation == RELU) return std::max(x, 0.0);
  if (activation == LEAKY && x < 0) return x * kLeakySlope;
  return x;
}

TensorQuantization Quantization(float scale, int zero_point) {
  TensorQuantization q;
  q.set_scale(scale);
  q.set_zero_point(zero_point);
  return q;
}

int64_t Pixels(const Shape& shape) {
  return int64_t{shape.height()} * shape.width();
}

}  // namespace

std::string ConvolutionCase::ToString() const {
  return absl::StrCat(
      precision == INT8 ? "INT8 " : "FP32 ", channels, "x", height, "x", width,
      " to ", out_channels, ", kernel ", kernel, ", stride ", stride,
      ", padding ", padding, ", groups ", groups, ", activation ", activation,
      two_step ? ", two steps" : "", per_channel ? "" : ", one scale",
      add ? absl::StrCat(", add ", add_activation) : "",
      wants_bytes ? ", bytes" : "", wants_reals ? ", reals" : "", ", extra ",
      extra_stride, ", inputs ", static_cast<int>(inputs), ", weights ",
      static_cast<int>(weights), ", zero points ", input_zero_point, " ",
      output_zero_point, ", output scale ", output_scale, ", seed ", seed);
}

ConvolutionTester::ConvolutionTester(const ConvolutionCase& parameters)
    : case_(parameters) {
  MakeShapes();
  if (case_.precision == INT8) {
    MakeInt8();
    MakeExpectedInt8();
  } else {
    MakeFloat();
    MakeExpectedFloat();
  }
}

void ConvolutionTester::MakeShapes() {
  const ConvolutionCase& p = case_;
  task_.name = "tested";
  task_.precision = p.precision;
  task_.op.set_out_channels(p.out_channels);
  task_.op.set_kernel(p.kernel);
  task_.op.set_stride(p.stride);
  task_.op.set_padding(p.padding);
  task_.op.set_groups(p.groups);
  task_.op.set_activation(p.activation);
  task_.input.set_channels(p.channels);
  task_.input.set_height(p.height);
  task_.input.set_width(p.width);
  task_.output.set_channels(p.out_channels);
  task_.output.set_height((p.height + 2 * p.padding - p.kernel) / p.stride + 1);
  task_.output.set_width((p.width + 2 * p.padding - p.kernel) / p.stride + 1);
  task_.input_stride = p.channels + p.extra_stride;
  task_.wants_bytes = p.wants_bytes;
  task_.wants_reals = p.wants_reals;
  task_.bytes_stride = p.out_channels + p.extra_stride;
  task_.reals_stride = p.out_channels + 2 * p.extra_stride;
  if (p.add) {
    task_.add.emplace();
    task_.add->activation = p.add_activation;
    task_.add->convolution_is_second = p.seed % 2 == 0;
    task_.add->residual_stride = p.out_channels + 3 * p.extra_stride;
  }
}

void ConvolutionTester::MakeInt8() {
  const ConvolutionCase& p = case_;
  std::mt19937_64 random(p.seed);
  const int taps = p.channels / p.groups * p.kernel * p.kernel;
  byte_input_.resize(Pixels(task_.input) * task_.input_stride);
  for (uint8_t& x : byte_input_) x = Draw(&random, p.inputs, 0, 255);
  int8_weights_.resize(int64_t{p.out_channels} * taps);
  for (int8_t& w : int8_weights_) w = Draw(&random, p.weights, -127, 127);
  // Sums of independent values spread as the root of their number; the scale
  // lets that spread fill the 8-bit range, with some values beyond it.
  const float spread = 100.0f * 73.0f * std::sqrt(static_cast<float>(taps));
  int32_bias_.resize(p.out_channels);
  const int widest = static_cast<int>(spread);
  for (int32_t& b : int32_bias_) b = Draw(&random, p.weights, -widest, widest);
  weight_scales_.resize(p.per_channel ? p.out_channels : 1);
  for (float& s : weight_scales_) s = 0.001f * (1 + random() % 8);
  task_.int8_weights = int8_weights_;
  task_.int32_bias = int32_bias_;
  task_.weight_scales = weight_scales_;
  task_.input_quantization = Quantization(0.037f, p.input_zero_point);
  const float scale = p.output_scale * 0.037f * 0.004f * spread / 100;
  task_.output_quantization = Quantization(scale, p.output_zero_point);
  if (p.two_step) {
    task_.before_activation =
        Quantization(scale * 1.3f, 255 - p.output_zero_point);
  }
  if (p.add) {
    byte_residual_.resize(Pixels(task_.output) * task_.add->residual_stride);
    for (uint8_t& x : byte_residual_) x = Draw(&random, p.inputs, 0, 255);
    task_.add->residual = Quantization(scale * 0.7f, p.input_zero_point);
    task_.add->sum = Quantization(scale * 1.1f, 255 - p.input_zero_point);
  }
}

void ConvolutionTester::MakeFloat() {
  const ConvolutionCase& p = case_;
  std::mt19937_64 random(p.seed);
  std::normal_distribution<float> normal;
  const auto fill = [&](std::vector<float>* values, int64_t count) {
    values->resize(count);
    for (float& x : *values) x = normal(random);
  };
  fill(&float_input_, Pixels(task_.input) * task_.input_stride);
  fill(&float_weights_,
       int64_t{p.out_channels} * p.channels / p.groups * p.kernel * p.kernel);
  fill(&float_bias_, p.out_channels);
  task_.float_weights = float_weights_;
  task_.float_bias = float_bias_;
  if (p.wants_bytes) {
    task_.output_quantization = Quantization(0.05f, p.output_zero_point);
  }
  if (p.add) {
    fill(&float_residual_, Pixels(task_.output) * task_.add->residual_stride);
  }
}

void ConvolutionTester::MakeExpectedInt8() {
  const int zero_point = task_.input_quantization.zero_point();
  const TensorQuantization& output = *task_.output_quantization;
  const bool two_step = task_.before_activation.has_value();
  const TensorQuantization& first =
      two_step ? *task_.before_activation : output;
  VisitOutputs(task_, [&](int64_t pixel, int n, int y, int x) {
    int32_t acc = int32_bias_[n];
    VisitTaps(task_, y, x, n, [&](int64_t input, int64_t weight) {
      acc += (byte_input_[input] - zero_point) * int8_weights_[weight];
    });
    const float multiplier = RequantizationMultiplier(
        task_.input_quantization.scale(),
        weight_scales_[weight_scales_.size() == 1 ? 0 : n], first.scale());
    uint8_t q = RequantizeAccumulator(acc, multiplier,
                                      two_step ? LINEAR : case_.activation,
                                      first.zero_point());
    if (two_step) q = LeakyTable(first, output)[q];
    TensorQuantization last = output;
    if (task_.add.has_value()) {
      const FusedAdd& add = *task_.add;
      const uint8_t r = byte_residual_[pixel * add.residual_stride + n];
      q = add.convolution_is_second ? AddQuantized(r, add.residual, q, output,
                                                   add.activation, add.sum)
                                    : AddQuantized(q, output, r, add.residual,
                                                   add.activation, add.sum);
      last = add.sum;
    }
    expected_bytes_.push_back(q);
    expected_reals_.push_back(Dequantize(q, last));
  });
}

void ConvolutionTester::MakeExpectedFloat() {
  const int taps = case_.channels / case_.groups * case_.kernel * case_.kernel;
  double largest_input = 0;
  for (const float x : float_input_) {
    largest_input = std::max<double>(largest_input, std::fabs(x));
  }
  VisitOutputs(task_, [&](int64_t pixel, int n, int y, int x) {
    double sum = float_bias_[n];
    double magnitude = std::fabs(sum);
    VisitTaps(task_, y, x, n, [&](int64_t input, int64_t weight) {
      const double product =
          static_cast<double>(float_input_[input]) * float_weights_[weight];
      sum += product;
      magnitude += largest_input * std::fabs(float_weights_[weight]);
    });
    sum = Activate(sum, case_.activation);
    if (task_.add.has_value()) {
      const float r = float_residual_[pixel * task_.add->residual_stride + n];
      magnitude += std::fabs(r);
      sum = Activate(sum + r, task_.add->activation);
    }
    expected_reals_.push_back(sum);
    bounds_.push_back(kRoundoff * (taps + 8) * magnitude);
  });
}

std::string ConvolutionTester::CompareBytes(
    const std::vector<uint8_t>& bytes) const {
  int64_t i = 0;
  std::string difference;
  VisitOutputs(task_, [&](int64_t pixel, int n, int y, int x) {
    const int got = bytes[pixel * task_.bytes_stride + n];
    int expected = 0;
    if (case_.precision == INT8) {
      expected = expected_bytes_[i];
    } else {
      // Where the bound reaches over a tie, both neighbours are right.
      const TensorQuantization& q = *task_.output_quantization;
      const auto quantized = [&](double value) {
        return Quantize(static_cast<float>(value), q);
      };
      expected = std::min<int>(
          std::max<int>(got, quantized(expected_reals_[i] - bounds_[i])),
          quantized(expected_reals_[i] + bounds_[i]));
    }
    ++i;
    if (got != expected && difference.empty()) {
      difference = absl::StrCat("byte at y ", y, ", x ", x, ", channel ", n,
                                ": ", got, " in place of ", expected);
    }
  });
  for (int64_t k = 0; k < bytes.size(); ++k) {
    if (k % task_.bytes_stride >= case_.out_channels &&
        bytes[k] != kUntouchedByte) {
      return "wrote bytes beyond the channels";
    }
  }
  return difference;
}

std::string ConvolutionTester::CompareReals(
    const std::vector<float>& reals) const {
  int64_t i = 0;
  std::string difference;
  VisitOutputs(task_, [&](int64_t pixel, int n, int y, int x) {
    const float got = reals[pixel * task_.reals_stride + n];
    const double expected = expected_reals_[i];
    const double bound = bounds_.empty() ? 0 : bounds_[i];
    ++i;
    if (!(std::fabs(got - expected) <= bound) && difference.empty()) {
      difference =
          absl::StrCat("real at y ", y, ", x ", x, ", channel ", n, ": ", got,
                       " in place of ", expected, ", bound ", bound);
    }
  });
  for (int64_t k = 0; k < reals.size(); ++k) {
    if (k % task_.reals_stride >= case_.out_channels &&
        reals[k] != kUntouchedReal) {
      return "wrote reals beyond the channels";
    }
  }
  return difference;
}

std::string ConvolutionTester::Test(const NativeOptions& options,
                                    const KernelSet& kernels) const {
  auto backend = NewNativeBackend(options, kernels);
  if (!backend.ok()) return backend.status().ToString();
  auto convolution = (*backend)->Create(task_);
  if (!convolution.ok()) return convolution.status().ToString();

  std::vector<uint8_t> bytes(Pixels(task_.output) * task_.bytes_stride,
                             kUntouchedByte);
  std::vector<float> reals(Pixels(task_.output) * task_.reals_stride,
                           kUntouchedReal);
  // Old contents of the scratch must not matter, and what lies behind it must
  // stay.
  // As a real not a number: the product with a weight of 0 is none either.
  constexpr uint8_t kOld = 0xFF;
  constexpr int64_t kBehind = 256;
  const int64_t scratch_bytes = (*convolution)->scratch_bytes();
  std::vector<uint8_t> scratch(scratch_bytes + 64 + kBehind, kOld);
  ConvolutionBuffers buffers;
  const bool int8 = case_.precision == INT8;
  buffers.input =
      int8 ? static_cast<const void*>(byte_input_.data()) : float_input_.data();
  buffers.residual = int8 ? static_cast<const void*>(byte_residual_.data())
                          : float_residual_.data();
  if (case_.wants_bytes) buffers.bytes = bytes.data();
  if (case_.wants_reals) buffers.reals = reals.data();
  void* aligned = scratch.data();
  size_t room = scratch.size();
  buffers.scratch = std::align(64, scratch_bytes, aligned, room);
  std::string difference;
  const absl::Status status = (*convolution)->Run(buffers);
  if (!status.ok()) difference = status.ToString();
  const uint8_t* const behind =
      static_cast<const uint8_t*>(buffers.scratch) + scratch_bytes;
  if (std::any_of(behind, behind + kBehind,
                  [](uint8_t byte) { return byte != kOld; })) {
    difference = "wrote beyond the scratch";
  }
  if (difference.empty() && case_.wants_bytes) {
    difference = CompareBytes(bytes);
  }
  if (difference.empty() && case_.wants_reals) {
    difference = CompareReals(reals);
  }
  if (difference.empty()) return "";
  return absl::StrCat(difference, "\n  in ", case_.ToString(), "\n  by ",
                      (*convolution)->description(), ", ", options.threads,
                      " threads");
}

}  // namespace native
}  // namespace yoloq
