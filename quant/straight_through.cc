#include "quant/straight_through.h"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

namespace yoloq {
namespace {

// Elements that are worth a thread.
constexpr int64_t kGrain = 16384;
// Added and subtracted, it rounds a float of less than 2^22 to the nearest
// integer, ties to even; unlike std::nearbyint in vectors.
constexpr float kRound = 12582912.0f;

// In steps, counted from the zero point.
struct Grid {
  float scale, inverse, low, high;

  // Beyond the ends by one at most, so that kRound serves.
  float Steps(float value) const {
    float steps = value * inverse;
    steps = steps < low - 1 ? low - 1 : steps;
    steps = steps > high + 1 ? high + 1 : steps;
    return (steps + kRound) - kRound;
  }
};

void Forward(const Grid& grid, const float* values, int64_t count, float* to) {
  at::parallel_for(0, count, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float steps = grid.Steps(values[i]);
      steps = steps < grid.low ? grid.low : steps;
      steps = steps > grid.high ? grid.high : steps;
      to[i] = steps * grid.scale;
    }
  });
}

void Backward(const Grid& grid, const float* values, const float* gradient,
              int64_t count, float* to) {
  at::parallel_for(0, count, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float steps = grid.Steps(values[i]);
      const float lower = steps < grid.low ? 0.0f : gradient[i];
      to[i] = steps > grid.high ? 0.0f : lower;
    }
  });
}

// Dense, in the order of `like`.
at::Tensor InOrderOf(const at::Tensor& like, const at::Tensor& values) {
  if (values.strides() == like.strides()) return values;
  return at::empty_like(like).copy_(values);
}

class Function : public torch::autograd::Function<Function> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context,
                            const at::Tensor& values, double scale, int64_t low,
                            int64_t high) {
    const at::Tensor dense =
        values.is_non_overlapping_and_dense() ? values : values.contiguous();
    const Grid grid = MakeGrid(scale, low, high);
    const at::Tensor output = at::empty_like(dense);
    Forward(grid, dense.data_ptr<float>(), dense.numel(),
            output.data_ptr<float>());
    context->save_for_backward({dense});
    context->saved_data["scale"] = scale;
    context->saved_data["low"] = low;
    context->saved_data["high"] = high;
    return output;
  }

  static torch::autograd::variable_list backward(
      torch::autograd::AutogradContext* context,
      torch::autograd::variable_list gradients) {
    const at::Tensor values = context->get_saved_variables()[0];
    const at::Tensor gradient = InOrderOf(values, gradients[0]);
    const Grid grid = MakeGrid(context->saved_data["scale"].toDouble(),
                               context->saved_data["low"].toInt(),
                               context->saved_data["high"].toInt());
    const at::Tensor result = at::empty_like(values);
    Backward(grid, values.data_ptr<float>(), gradient.data_ptr<float>(),
             values.numel(), result.data_ptr<float>());
    return {result, at::Tensor(), at::Tensor(), at::Tensor()};
  }

 private:
  static Grid MakeGrid(double scale, int64_t low, int64_t high) {
    const float single = static_cast<float>(scale);
    return {single, 1.0f / single, static_cast<float>(low),
            static_cast<float>(high)};
  }
};

}  // namespace

at::Tensor StraightThrough(const at::Tensor& values, double scale,
                           int zero_point, int low, int high) {
  if (!values.is_cpu()) {
    return at::fake_quantize_per_tensor_affine(values, scale, zero_point, low,
                                               high);
  }
  return Function::apply(values, scale, int64_t{low} - zero_point,
                         int64_t{high} - zero_point);
}

}  // namespace yoloq
