// What every engine offers: load a model, run a batch of one, give the raw
// output of the YOLO heads.
#ifndef YOLOQ_HW_RUNTIME_ENGINE_H_
#define YOLOQ_HW_RUNTIME_ENGINE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"

namespace yoloq {

// Raw output of one YOLO head in float32, (height, width, channels).
struct HeadOutput {
  int node = 0;  // index of the YoloHead node
  int height = 0;
  int width = 0;
  int channels = 0;
  std::vector<float> values;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // "torch", "reference", "onednn", ...
  virtual absl::string_view name() const = 0;

  // The graph that is executed, with shapes.
  virtual const Graph& graph() const = 0;

  // rgb: (height, width, 3), the network's input size, values 0 to 255; the
  // network sees value / 255. `heads` is resized to one entry a YOLO head, in
  // graph order; its buffers are reused from call to call. Not thread-safe.
  // InvalidArgument when rgb has another size.
  virtual absl::Status Run(absl::Span<const uint8_t> rgb,
                           std::vector<HeadOutput>* heads) = 0;

  // Nanoseconds that each node took in the last Run, parallel to the graph's
  // nodes; 0 for a node whose work another did. Empty where an engine does not
  // time its nodes or was not asked to.
  virtual absl::Span<const int64_t> node_ns() const { return {}; }
};

}  // namespace yoloq

#endif  // YOLOQ_HW_RUNTIME_ENGINE_H_
