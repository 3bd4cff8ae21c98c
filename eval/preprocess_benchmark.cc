// How long preprocessing takes at VOC's usual picture size.
#include "benchmark/benchmark.h"
#include "eval/preprocess.h"

namespace yoloq {
namespace {

void BM_MakeNetworkInput(benchmark::State& state) {
  Picture picture{500, 375, std::vector<uint8_t>(500 * 375 * 3, 7)};
  const auto resize = static_cast<PreprocessSpec::Resize>(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(MakeNetworkInput(picture, 416, resize));
  }
}
BENCHMARK(BM_MakeNetworkInput)
    ->Arg(PreprocessSpec::STRETCH)
    ->Arg(PreprocessSpec::LETTERBOX)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yoloq

BENCHMARK_MAIN();
