#include "hw/native/workers.h"

namespace yoloq {
namespace native {
namespace {

thread_local int last_place = 0;

}  // namespace

int Workers::Take() {
  const int count = places();
  for (int i = last_place % count;; i = (i + 1) % count) {
    if (!taken_[i].exchange(true, std::memory_order_acquire)) {
      last_place = i;
      return i;
    }
  }
}

void Workers::Loop(int64_t count, absl::FunctionRef<void(int64_t, int)> round) {
  pool_.Loop(count, [&](int64_t i) {
    const int place = Take();
    round(i, place);
    taken_[place].store(false, std::memory_order_release);
  });
}

}  // namespace native
}  // namespace yoloq
