#include "model/training/fingerprint.h"

#include <cstdint>
#include <vector>

#include "tools/base/digest.h"
#include "tools/base/proto_file.h"

namespace yoloq {
namespace {

// Pieces are told apart by their sizes.
class PieceDigest {
 public:
  void Add(absl::string_view bytes) {
    const uint64_t size = bytes.size();
    digest_.Update(&size, sizeof(size));
    digest_.Update(bytes);
  }
  void Add(const std::vector<float>& values) {
    Add(absl::string_view(reinterpret_cast<const char*>(values.data()),
                          values.size() * sizeof(float)));
  }
  void Add(const GroundTruthObject& object) {
    Add(std::vector<float>{object.box.left, object.box.top, object.box.right,
                           object.box.bottom,
                           static_cast<float>(object.class_index),
                           object.difficult ? 1.0f : 0.0f});
  }
  std::string Finish() { return digest_.Finish(); }

 private:
  Sha256 digest_;
};

}  // namespace

std::string TrainingFingerprint(const Graph& graph, const Weights& initial,
                                const TrainingSpec& spec,
                                absl::Span<const VocImage> images,
                                const PreprocessSpec& preprocess,
                                absl::string_view more) {
  TrainingSpec decisive = spec;
  decisive.clear_checkpoint_epochs();
  decisive.clear_checkpoint_steps();
  decisive.clear_loader_threads();
  decisive.clear_cache_megabytes();
  if (spec.schedule() == TrainingSpec::STEP) decisive.clear_epochs();
  PieceDigest digest;
  digest.Add(SerializeDeterministically(graph));
  digest.Add(SerializeDeterministically(decisive));
  digest.Add(SerializeDeterministically(preprocess));
  digest.Add(more);
  for (const ConvolutionWeights& weights : initial.nodes) {
    digest.Add(weights.weights);
    digest.Add(weights.bias);
    digest.Add(weights.gamma);
    digest.Add(weights.mean);
    digest.Add(weights.variance);
  }
  for (const VocImage& image : images) {
    digest.Add(image.id);
    for (const GroundTruthObject& object : image.annotation.objects) {
      digest.Add(object);
    }
  }
  return digest.Finish();
}

}  // namespace yoloq
