// Fuzz target of the reader of deployable model files. An input is a header: it
// is put, with its true digest and a data section, into a file, or read as it
// is.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "quant/deployable.h"
#include "quant/random_deployable.h"
#include "tools/base/digest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using yoloq::AlignedBytes;
  using yoloq::Deployable;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  {
    const AlignedBytes bytes(input);
    (void)Deployable::FromBytes(bytes.view(), "fuzz");
  }
  // The same mutation on a valid header, so that the checks behind the digest
  // are reached: the input names positions and values of bytes to replace.
  static const std::string* const kValid = [] {
    yoloq::QuantizationSpec spec;
    spec.set_weights(yoloq::QuantizationSpec::PER_CHANNEL);
    spec.set_leaky(yoloq::QuantizationSpec::TWO_STEP);
    spec.set_concat(yoloq::QuantizationSpec::REQUANTIZE);
    const yoloq::Graph graph = yoloq::SmallGraph();
    return new std::string(yoloq::RandomDeployable(
        graph,
        yoloq::PrecisionByPart(graph, yoloq::INT8, yoloq::FP32, yoloq::INT8),
        spec, 1));
  }();
  const AlignedBytes valid(*kValid);
  absl::StatusOr<Deployable> parsed = Deployable::FromBytes(valid.view(), "v");
  if (!parsed.ok()) __builtin_trap();
  std::string header = parsed->model().SerializeAsString();
  for (size_t i = 0; i + 3 <= size && i < 96; i += 3) {
    const size_t at = (data[i] << 8 | data[i + 1]) % header.size();
    header[at] = static_cast<char>(data[i + 2]);
  }
  yoloq::DeployableModel model;
  if (!model.ParseFromString(header)) return 0;
  yoloq::DeployableWriter writer;
  std::string content(parsed->model().data_bytes(), '\1');
  writer.Append(content.data(), content.size());
  const AlignedBytes bytes(writer.Serialize(model));
  (void)Deployable::FromBytes(bytes.view(), "fuzz");
  return 0;
}
