#include "quant/calibration.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

bool MakesNewValues(const Node& node) {
  return node.has_convolution() || node.has_add() || node.has_concat();
}

std::string TensorName(const std::string& node, bool before_activation) {
  return absl::StrCat("node \"", node, "\"",
                      before_activation ? " before its activation" : "");
}

}  // namespace

Calibrator::Calibrator(const Graph& graph, const QuantizationSpec& spec)
    : spec_(spec.activation_observer()) {
  const bool two_step = spec.leaky() == QuantizationSpec::TWO_STEP;
  const auto add = [&](const Node& node, bool before_activation) {
    tensors_.push_back(
        {TensorObserver(spec_), node.name(), before_activation, 0, {}});
    return static_cast<int>(tensors_.size()) - 1;
  };
  for (const Node& node : graph.nodes()) {
    const bool before = two_step && node.has_convolution() &&
                        node.convolution().activation() == LEAKY;
    before_tensors_.push_back(before ? add(node, true) : -1);
    output_tensors_.push_back(MakesNewValues(node) ? add(node, false) : -1);
  }
}

int Calibrator::Find(int node, bool before_activation) const {
  return before_activation ? before_tensors_[node] : output_tensors_[node];
}

bool Calibrator::Wants(int node, bool before_activation) const {
  return Find(node, before_activation) >= 0;
}

bool Calibrator::wants_before_activation() const {
  return std::any_of(before_tensors_.begin(), before_tensors_.end(),
                     [](int index) { return index >= 0; });
}

void Calibrator::Observe(int64_t image, int node, bool before_activation,
                         const float* values, int64_t count) {
  const int index = Find(node, before_activation);
  if (index < 0) return;
  Tensor& tensor = tensors_[index];
  {
    std::unique_lock<std::mutex> lock(mutex_);
    turn_.wait(lock, [&] { return stopped_ || tensor.images >= image; });
    if (stopped_) return;
    if (tensor.images > image) {
      tensor.status.Update(
          absl::InvalidArgumentError("was observed twice, expected once"));
      return;
    }
  }
  // No other thread touches this observer before the count below is raised.
  const absl::Status status = tensor.observer.Observe(values, count);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    tensor.status.Update(status);
    ++tensor.images;
  }
  turn_.notify_all();
}

void Calibrator::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
  }
  turn_.notify_all();
}

absl::Status Calibrator::FinishImage(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Tensor& tensor : tensors_) {
    absl::Status status = tensor.status;
    if (status.ok() && tensor.images <= images_done()) {
      status = absl::InvalidArgumentError("was not observed, expected once");
    }
    YOLOQ_RETURN_IF_ERROR(Annotate(
        status,
        absl::StrCat("calibration image ", id, ": ",
                     TensorName(tensor.node, tensor.before_activation))));
  }
  ids_.push_back(id);
  return absl::OkStatus();
}

Calibration Calibrator::Result() const {
  Calibration result;
  *result.mutable_observer() = spec_;
  for (const std::string& id : ids_) result.add_image_ids(id);
  for (const Tensor& tensor : tensors_) {
    ObserverState* state = result.add_tensors();
    *state = tensor.observer.State();
    state->set_node(tensor.node);
    state->set_before_activation(tensor.before_activation);
  }
  return result;
}

absl::Status Calibrator::Resume(const Calibration& partial,
                                absl::Span<const std::string> ids) {
  if (SerializeDeterministically(partial.observer()) !=
      SerializeDeterministically(spec_)) {
    return absl::InvalidArgumentError(
        "partial calibration: is of another observer");
  }
  if (partial.tensors_size() != static_cast<int>(tensors_.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("partial calibration: has ", partial.tensors_size(),
                     " tensors, the graph has ", tensors_.size()));
  }
  if (partial.image_ids_size() > static_cast<int>(ids.size()) ||
      !std::equal(partial.image_ids().begin(), partial.image_ids().end(),
                  ids.begin())) {
    return absl::InvalidArgumentError(
        "partial calibration: its images are not the first of the list");
  }
  std::vector<Tensor> tensors;
  for (int i = 0; i < partial.tensors_size(); ++i) {
    const ObserverState& state = partial.tensors(i);
    Tensor tensor = tensors_[i];
    const std::string name = TensorName(tensor.node, tensor.before_activation);
    if (state.node() != tensor.node ||
        state.before_activation() != tensor.before_activation) {
      return absl::InvalidArgumentError(
          absl::StrCat("partial calibration: ", name, " is expected, not ",
                       TensorName(state.node(), state.before_activation())));
    }
    auto observer = TensorObserver::Restore(spec_, state);
    YOLOQ_RETURN_IF_ERROR(Annotate(
        observer.status(), absl::StrCat("partial calibration: ", name)));
    tensor.observer = *std::move(observer);
    tensor.images = partial.image_ids_size();
    tensors.push_back(std::move(tensor));
  }
  tensors_ = std::move(tensors);
  ids_.assign(partial.image_ids().begin(), partial.image_ids().end());
  return absl::OkStatus();
}

}  // namespace yoloq
