// Fuzz target of the reader of deployable model files.
//
// An input is read as a file; and it is taken as a list of edits (position,
// value) of a valid header, which goes into a file with correct digests, so
// that the checks behind the digests are reached.
#include <cstddef>
#include <cstdint>
#include <string>

#include "quant/deployable.h"
#include "quant/random_deployable.h"

namespace yoloq {
namespace {

DeployableModel ValidModel() {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_leaky(QuantizationSpec::TWO_STEP);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, FP32, INT8), spec, 1));
  const auto model = Deployable::FromBytes(bytes.view(), "valid");
  if (!model.ok()) __builtin_trap();
  return model->model();
}

void Read(absl::string_view file) {
  const AlignedBytes bytes(file);
  (void)Deployable::FromBytes(bytes.view(), "fuzz");
}

void ReadEdited(const uint8_t* data, size_t size) {
  static const DeployableModel& valid = *new DeployableModel(ValidModel());
  static const std::string& header =
      *new std::string(valid.SerializeAsString());
  std::string edited = header;
  for (size_t i = 0; i + 3 <= size; i += 3) {
    const size_t at = (data[i] << 8 | data[i + 1]) % edited.size();
    edited[at] = static_cast<char>(data[i + 2]);
  }
  DeployableModel model;
  if (!model.ParseFromString(edited)) return;
  DeployableWriter writer;
  const std::string content(valid.data_bytes(), '\1');
  writer.Append(content.data(), content.size());
  Read(writer.Serialize(model));
}

}  // namespace
}  // namespace yoloq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  yoloq::Read(absl::string_view(reinterpret_cast<const char*>(data), size));
  yoloq::ReadEdited(data, size);
  return 0;
}
