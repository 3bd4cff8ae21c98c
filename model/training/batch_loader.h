// Reads and augments the images of an epoch ahead of their use, on threads of
// its own, and hands them out batch by batch.
#ifndef YOLOQ_MODEL_TRAINING_BATCH_LOADER_H_
#define YOLOQ_MODEL_TRAINING_BATCH_LOADER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/voc.h"
#include "experiments/spec.pb.h"
#include "model/training/augmentation.h"
#include "model/training/training.pb.h"

namespace yoloq {

// The decoded images of a training, kept from epoch to epoch as long as they
// fit. Thread-safe.
class PictureCache {
 public:
  explicit PictureCache(int64_t capacity_bytes);
  ~PictureCache();

  // Errors as ReadJpeg (eval/image.h).
  absl::StatusOr<std::shared_ptr<const Picture>> Get(const VocImage& image,
                                                     int index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct BatchLoaderOptions {
  int side = 0;  // of the network's input, pixels, >= 1
  PreprocessSpec::Resize resize = PreprocessSpec::STRETCH;
  AugmentationSpec augmentation;
  int batch_size = 8;  // >= 1
  uint64_t seed = 0;
  int threads = 2;  // >= 1
};

// The images of an epoch in the order that (seed, epoch) draw.
std::vector<int> EpochOrder(int images, uint64_t seed, int epoch);

// Batches of an epoch: the last ones are not dropped but filled up from the
// beginning of the order, so that all are of one size.
int StepsPerEpoch(int images, int batch_size);

class BatchLoader {
 public:
  // Starts loading the epoch's batches from number `first_step` on. `images`
  // (at least one) and `cache` outlive the loader.
  BatchLoader(absl::Span<const VocImage> images, PictureCache* cache,
              const BatchLoaderOptions& options, int epoch, int first_step);
  ~BatchLoader();

  // The next batch, in order; waits for it. An image that cannot be read is
  // the error of its batch. OutOfRange after the last.
  absl::StatusOr<std::vector<TrainingImage>> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_MODEL_TRAINING_BATCH_LOADER_H_
