// Nanoseconds a value of each kind of observer.
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "quant/observer.h"

namespace yoloq {
namespace {

void Observe(benchmark::State& state) {
  ObserverSpec spec;
  spec.set_kind(static_cast<ObserverSpec::Kind>(state.range(0)));
  TensorObserver observer(*ResolveObserver(spec));
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(1 << 20);
  for (float& x : values) {
    x = normal(random);
    if (x < 0) x *= 0.1f;
  }
  for (auto _ : state) {
    if (!observer.Observe(values.data(), values.size()).ok()) std::abort();
  }
  state.SetLabel(ObserverSpec::Kind_Name(spec.kind()));
  state.SetItemsProcessed(state.iterations() * values.size());
}
BENCHMARK(Observe)
    ->Arg(ObserverSpec::MIN_MAX)
    ->Arg(ObserverSpec::HISTOGRAM_MSE);

}  // namespace
}  // namespace yoloq

BENCHMARK_MAIN();
