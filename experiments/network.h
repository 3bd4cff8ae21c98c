// The network of a profile: built or imported, its weights loaded when needed.
#ifndef YOLOQ_EXPERIMENTS_NETWORK_H_
#define YOLOQ_EXPERIMENTS_NETWORK_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "model/graph.pb.h"
#include "model/weights.h"
#include "reports/result.pb.h"

namespace yoloq {

class Network {
 public:
  // Reads the cfg, or builds YOLOv3, and digests the weights file.
  // DataLoss when its digest is not the spec's; errors of the readers.
  static absl::StatusOr<Network> Open(const ModelSpec& spec);

  // With batch norm, with shapes.
  const Graph& graph() const { return graph_; }
  const std::vector<std::string>& class_names() const { return class_names_; }
  int input_size() const { return graph_.nodes(0).output().width(); }

  // Digest of everything that decides the network's function.
  const std::string& key() const { return key_; }

  // SHA-256 of the weights file; "" for random weights.
  const std::string& weights_sha256() const { return weights_sha256_; }

  // What a value measured on this network is labelled with.
  MeasuredModel Measured() const;

  // Loaded or made at the first call, then kept.
  absl::StatusOr<const Weights*> LoadWeights();

 private:
  explicit Network(ModelSpec spec) : spec_(std::move(spec)) {}

  ModelSpec spec_;
  Graph graph_;
  std::vector<std::string> class_names_;
  std::string key_;
  std::string weights_sha256_;
  std::unique_ptr<Weights> weights_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_NETWORK_H_
