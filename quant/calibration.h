// Calibration: runs of the FP32 network on images, with an observer at every
// tensor whose range the quantizer needs.
//
//   Calibrator calibrator(graph, spec);
//   // Threads run an image each; an executor's hook calls, for image i,
//   //   calibrator.Observe(i, node, before_activation, values, count);
//   // Then, in order:
//   YOLOQ_RETURN_IF_ERROR(calibrator.FinishImage(id));
//   ...
//   Calibration calibration = calibrator.Result();
#ifndef YOLOQ_QUANT_CALIBRATION_H_
#define YOLOQ_QUANT_CALIBRATION_H_

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "model/graph.pb.h"
#include "quant/observer.h"
#include "quant/quantization.pb.h"

namespace yoloq {

class Calibrator {
 public:
  // `spec` is resolved (quant/scheme.h).
  Calibrator(const Graph& graph, const QuantizationSpec& spec);

  // Whether the tensor is observed: the output of every node that computes new
  // values (convolution, add, concat); before_activation: what leaky
  // convolutions have before it, in mode TWO_STEP only.
  bool Wants(int node, bool before_activation) const;

  // Whether any tensor before an activation is wanted.
  bool wants_before_activation() const;

  // Takes in a tensor of the image with the given number (0 for the first of
  // the list, those before a Resume included); others than the wanted are
  // ignored. Threads may be at different images: each tensor takes its images
  // in their order, so the state does not depend on the threads. Waits until
  // the tensor has seen the image before; an image that fails must be reported
  // by Stop, or the later ones wait for ever. The order of the values does not
  // matter.
  void Observe(int64_t image, int node, bool before_activation,
               const float* values, int64_t count);

  // Makes every Observe that waits, and all later ones, return at once. The
  // calibrator is then of no more use.
  void Stop();

  // Ends the next image in order, of which all tensors were observed.
  // InvalidArgument, naming image and node, when a tensor held values that are
  // not finite, or was not observed exactly once; the calibrator is then of no
  // more use.
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
    int64_t images;  // seen so far: the number of the next
    absl::Status status;
  };

  // Index in tensors_, or -1.
  int Find(int node, bool before_activation) const;

  ObserverSpec spec_;
  std::vector<int> output_tensors_;  // parallel to the nodes: index or -1
  std::vector<int> before_tensors_;
  std::vector<Tensor> tensors_;
  std::vector<std::string> ids_;
  // Guard Tensor::images and Tensor::status, and stopped_.
  std::mutex mutex_;
  std::condition_variable turn_;
  bool stopped_ = false;
};

}  // namespace yoloq

#endif  // YOLOQ_QUANT_CALIBRATION_H_
