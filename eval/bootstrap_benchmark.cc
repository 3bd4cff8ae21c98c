// How long 1,000 resamples take for the VOC subset and for VOC07 test.
#include "benchmark/benchmark.h"
#include "eval/bootstrap.h"
#include "eval/random.h"

namespace yoloq {
namespace {

// 20 classes; 150 detections an image, as at a score threshold of 0.005.
void BM_BootstrapMap(benchmark::State& state) {
  const int images = static_cast<int>(state.range(0));
  Random random(1);
  Matches matches;
  matches.images = images;
  matches.classes.resize(20);
  for (ClassMatches& c : matches.classes) {
    c.objects.assign(images, 0);
    for (int i = 0; i < images * 150 / 20; ++i) {
      const uint32_t image = random.Below(images);
      const bool correct = random.Below(75) == 0;
      c.ranking.push_back({image, correct});
      c.objects[image] += correct;
    }
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(BootstrapMap(matches, {1000, 1, 2}));
  }
}
BENCHMARK(BM_BootstrapMap)
    ->Arg(510)
    ->Arg(4952)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace yoloq

BENCHMARK_MAIN();
