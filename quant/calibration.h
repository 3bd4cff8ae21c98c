// Calibration: runs of the FP32 network on images, with an observer at every
// tensor whose range the quantizer needs.
//
//   Calibrator calibrator(graph, spec, &pool);
//   // The executor's hook calls calibrator.Observe(...) for each tensor.
//   for (const std::string& id : ids) {
//     YOLOQ_RETURN_IF_ERROR(executor->Run(...));
//     YOLOQ_RETURN_IF_ERROR(calibrator.FinishImage(id));
//   }
//   Calibration calibration = calibrator.Result();
#ifndef YOLOQ_QUANT_CALIBRATION_H_
#define YOLOQ_QUANT_CALIBRATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"
#include "quant/observer.h"
#include "quant/quantization.pb.h"
#include "tools/base/parallel.h"

namespace yoloq {

class Calibrator {
 public:
  // `spec` is resolved (quant/scheme.h). `pool`: threads that share the work on
  // one tensor; may be null, otherwise outlives the calibrator.
  Calibrator(const Graph& graph, const QuantizationSpec& spec,
             ThreadPool* pool);

  // Whether the tensor is observed: the output of every node that computes new
  // values (convolution, add, concat); before_activation: what leaky
  // convolutions have before it, in mode TWO_STEP only.
  bool Wants(int node, bool before_activation) const;

  // Whether any tensor before an activation is wanted.
  bool wants_before_activation() const;

  // Takes in a tensor of the current image; others than the wanted are ignored.
  // Without a pool, threads may call this at once for different tensors. The
  // order of the values does not matter.
  void Observe(int node, bool before_activation, const float* values,
               int64_t count);

  // Ends the current image. InvalidArgument, naming image and node, when a
  // tensor held values that are not finite, or was not observed exactly once;
  // the calibrator is then of no more use.
  absl::Status FinishImage(const std::string& id);

  int64_t images_done() const { return ids_.size(); }

  // What was seen so far, of whole images. Also the partial state that Resume
  // takes.
  Calibration Result() const;

  // Goes on from what an interrupted run over the list `ids` had seen.
  // InvalidArgument, and nothing changed, when `partial` is not of this graph
  // and observer, or its images are not the first of `ids`.
  absl::Status Resume(const Calibration& partial,
                      absl::Span<const std::string> ids);

 private:
  struct Tensor {
    TensorObserver observer;
    std::string node;
    bool before_activation;
    int times_this_image;
    absl::Status status;
  };

  // Index in tensors_, or -1.
  int Find(int node, bool before_activation) const;

  ObserverSpec spec_;
  ThreadPool* pool_;
  std::vector<int> output_tensors_;  // parallel to the nodes: index or -1
  std::vector<int> before_tensors_;
  std::vector<Tensor> tensors_;
  std::vector<std::string> ids_;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_CALIBRATION_H_
