#include "eval/dataset_loader.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "eval/image.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::StatusOr<NetworkInput> Load(const std::string& path, int side,
                                  PreprocessSpec::Resize resize) {
  YOLOQ_ASSIGN_OR_RETURN(const Picture picture, ReadJpeg(path));
  return MakeNetworkInput(picture, side, resize);
}

}  // namespace

struct DatasetLoader::State {
  std::vector<std::string> paths;
  int side = 0;
  PreprocessSpec::Resize resize = PreprocessSpec::STRETCH;

  std::mutex mutex;
  std::condition_variable loaded;  // a slot was filled
  std::condition_variable freed;   // a slot was emptied, or stop
  // A ring: image i waits in slot i % slots.size().
  std::vector<std::optional<absl::StatusOr<NetworkInput>>> slots;
  size_t next_to_load = 0;
  size_t next_to_give = 0;
  bool stop = false;
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      freed.wait(lock, [&] {
        return stop || next_to_load == paths.size() ||
               next_to_load < next_to_give + slots.size();
      });
      if (stop || next_to_load == paths.size()) return;
      const size_t index = next_to_load++;
      lock.unlock();
      absl::StatusOr<NetworkInput> input = Load(paths[index], side, resize);
      lock.lock();
      slots[index % slots.size()] = std::move(input);
      if (index == next_to_give) loaded.notify_one();
    }
  }
};

DatasetLoader::DatasetLoader(std::vector<std::string> jpeg_paths, int side,
                             PreprocessSpec::Resize resize,
                             const LoaderOptions& options)
    : state_(std::make_unique<State>()) {
  state_->paths = std::move(jpeg_paths);
  state_->side = side;
  state_->resize = resize;
  state_->slots.resize(std::max(1, options.prefetch));
  for (int i = 0; i < std::max(1, options.threads); ++i) {
    state_->threads.emplace_back([this] { state_->Work(); });
  }
}

DatasetLoader::~DatasetLoader() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop = true;
  }
  state_->freed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

absl::StatusOr<NetworkInput> DatasetLoader::Next() {
  std::unique_lock<std::mutex> lock(state_->mutex);
  if (state_->next_to_give == state_->paths.size()) {
    return absl::OutOfRangeError(
        absl::StrCat("all ", state_->paths.size(), " images have been loaded"));
  }
  auto& slot = state_->slots[state_->next_to_give % state_->slots.size()];
  state_->loaded.wait(lock, [&] { return slot.has_value(); });
  absl::StatusOr<NetworkInput> input = *std::move(slot);
  slot.reset();
  ++state_->next_to_give;
  lock.unlock();
  state_->freed.notify_one();
  return input;
}

}  // namespace yoloq
