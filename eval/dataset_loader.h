// Decodes and preprocesses images ahead of their use, on threads of its own:
//
//   DatasetLoader loader(paths, 416, PreprocessSpec::STRETCH);
//   for (...) {
//     YOLOQ_ASSIGN_OR_RETURN(NetworkInput input, loader.Next());
//     ...
//   }
#ifndef YOLOQ_EVAL_DATASET_LOADER_H_
#define YOLOQ_EVAL_DATASET_LOADER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "eval/preprocess.h"
#include "experiments/spec.pb.h"

namespace yoloq {

struct LoaderOptions {
  int threads = 2;    // >= 1
  int prefetch = 16;  // images that wait or are in work, at most; >= 1
};

class DatasetLoader {
 public:
  // Starts loading.
  DatasetLoader(std::vector<std::string> jpeg_paths, int side,
                PreprocessSpec::Resize resize,
                const LoaderOptions& options = {});
  // Stops, whether or not all was taken.
  ~DatasetLoader();

  DatasetLoader(const DatasetLoader&) = delete;
  DatasetLoader& operator=(const DatasetLoader&) = delete;

  // The next image, in the order of the paths; waits for it. An image that
  // cannot be read or decoded is the error of its own turn (ReadJpeg,
  // eval/image.h); later ones can still be asked for. OutOfRange after the
  // last.
  absl::StatusOr<NetworkInput> Next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yoloq

#endif  // YOLOQ_EVAL_DATASET_LOADER_H_
