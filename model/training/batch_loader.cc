#include "model/training/batch_loader.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "eval/image.h"
#include "eval/random.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Batches that wait or are in work, at most.
constexpr int kPrefetchedBatches = 3;

}  // namespace

struct PictureCache::State {
  const int64_t capacity_bytes;
  std::mutex mutex;
  int64_t bytes = 0;
  absl::flat_hash_map<int, std::shared_ptr<const Picture>> pictures;
};

PictureCache::PictureCache(int64_t capacity_bytes)
    : state_(new State{capacity_bytes, {}, 0, {}}) {}

PictureCache::~PictureCache() = default;

absl::StatusOr<std::shared_ptr<const Picture>> PictureCache::Get(
    const VocImage& image, int index) {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    const auto found = state_->pictures.find(index);
    if (found != state_->pictures.end()) return found->second;
  }
  YOLOQ_ASSIGN_OR_RETURN(Picture decoded, ReadJpeg(image.jpeg_path));
  auto picture = std::make_shared<const Picture>(std::move(decoded));
  const std::lock_guard<std::mutex> lock(state_->mutex);
  const int64_t bytes = picture->rgb.size();
  if (state_->bytes + bytes <= state_->capacity_bytes &&
      state_->pictures.emplace(index, picture).second) {
    state_->bytes += bytes;
  }
  return picture;
}

std::vector<int> EpochOrder(int images, uint64_t seed, int epoch) {
  std::vector<int> order(images);
  std::iota(order.begin(), order.end(), 0);
  Random random(seed, ~static_cast<uint64_t>(epoch));
  for (int i = 0; i + 1 < images; ++i) {
    std::swap(order[i], order[random.Between(i, images - 1)]);
  }
  return order;
}

int StepsPerEpoch(int images, int batch_size) {
  return (images + batch_size - 1) / batch_size;
}

struct BatchLoader::State {
  struct Batch {
    std::vector<TrainingImage> images;
    int missing;  // images still to come
    absl::Status status;
  };

  absl::Span<const VocImage> images;
  PictureCache* cache;
  BatchLoaderOptions options;
  int epoch;
  std::vector<int> order;
  int steps;

  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  int next_step;       // that Next gives
  int64_t next_image;  // that a thread takes: step * batch size + place
  std::map<int, Batch> batches;  // by step
  std::vector<std::thread> threads;

  absl::StatusOr<TrainingImage> Load(int index) {
    YOLOQ_ASSIGN_OR_RETURN(const std::shared_ptr<const Picture> picture,
                           cache->Get(images[index], index));
    Random random = AugmentationRandom(options.seed, epoch, index);
    return Augment(*picture, images[index].annotation.objects, options.side,
                   options.resize,
                   DrawAugmentation(options.augmentation, &random));
  }

  // Under the lock.
  bool MayTake() const {
    const int step = static_cast<int>(next_image / options.batch_size);
    return step < steps && step < next_step + kPrefetchedBatches;
  }

  void Work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      changed.wait(lock, [&] { return stopping || MayTake(); });
      if (stopping) return;
      const int64_t image = next_image++;
      const int step = static_cast<int>(image / options.batch_size);
      const int place = static_cast<int>(image % options.batch_size);
      Batch& batch = batches[step];
      if (place == 0) {
        batch.images.resize(options.batch_size);
        batch.missing = options.batch_size;
      }
      lock.unlock();
      absl::StatusOr<TrainingImage> loaded =
          Load(order[image % static_cast<int64_t>(order.size())]);
      lock.lock();
      if (loaded.ok()) {
        batch.images[place] = *std::move(loaded);
      } else {
        batch.status.Update(loaded.status());
      }
      if (--batch.missing == 0) changed.notify_all();
      if (image + 1 == int64_t{steps} * options.batch_size) return;
    }
  }
};

BatchLoader::BatchLoader(absl::Span<const VocImage> images, PictureCache* cache,
                         const BatchLoaderOptions& options, int epoch,
                         int first_step)
    : state_(std::make_unique<State>()) {
  state_->images = images;
  state_->cache = cache;
  state_->options = options;
  state_->epoch = epoch;
  state_->order =
      EpochOrder(static_cast<int>(images.size()), options.seed, epoch);
  state_->steps =
      StepsPerEpoch(static_cast<int>(images.size()), options.batch_size);
  state_->next_step = first_step;
  state_->next_image = int64_t{first_step} * options.batch_size;
  for (int i = 0; i < options.threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->Work(); });
  }
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

absl::StatusOr<std::vector<TrainingImage>> BatchLoader::Next() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  const int step = state_->next_step;
  if (step >= state_->steps) {
    return absl::OutOfRangeError(
        absl::StrCat("the epoch has ", state_->steps, " batches"));
  }
  State::Batch* batch = nullptr;
  state_->changed.wait(lock, [&] {
    const auto found = state_->batches.find(step);
    if (found == state_->batches.end()) return false;
    batch = &found->second;
    return batch->missing == 0;
  });
  State::Batch taken = std::move(*batch);
  state_->batches.erase(step);
  ++state_->next_step;
  state_->changed.notify_all();
  YOLOQ_RETURN_IF_ERROR(taken.status);
  return std::move(taken.images);
}

}  // namespace yoloq
