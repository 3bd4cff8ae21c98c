#include "model/darknet_weights.h"

#include <cstring>
#include <ostream>
#include <utility>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"

#ifndef ABSL_IS_LITTLE_ENDIAN
#error "Files are little-endian and are copied as they are."
#endif

namespace yoloq {
namespace {

// As darknet decides it.
bool HasWideCount(const DarknetHeader& header) {
  return int64_t{header.major} * 10 + header.minor >= 2 &&
         header.major < 1000 && header.minor < 1000;
}

size_t HeaderBytes(const DarknetHeader& header) {
  return 12 + (HasWideCount(header) ? 8 : 4);
}

std::vector<int> Convolutions(const Graph& graph) {
  std::vector<int> nodes;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).has_convolution()) nodes.push_back(i);
  }
  return nodes;
}

size_t ConvolutionBytes(const Graph& graph, int node) {
  const ConvolutionOp& op = graph.nodes(node).convolution();
  const int64_t vectors = op.batch_norm() ? 4 : 1;
  return sizeof(float) *
         (WeightCount(graph, node) + vectors * op.out_channels());
}

absl::StatusOr<DarknetHeader> ParseHeader(absl::string_view bytes,
                                          absl::string_view file) {
  DarknetHeader header;
  const absl::Status truncated = absl::DataLossError(
      absl::StrCat(file, ": ", bytes.size(),
                   " bytes are too few for the header of a .weights file"));
  if (bytes.size() < 12) return truncated;
  std::memcpy(&header.major, bytes.data(), 4);
  std::memcpy(&header.minor, bytes.data() + 4, 4);
  std::memcpy(&header.revision, bytes.data() + 8, 4);
  if (header.major < 0 || header.minor < 0 || header.revision < 0) {
    return absl::DataLossError(absl::StrCat(
        file, ": no darknet .weights file: the header says version ",
        header.major, ".", header.minor, ".", header.revision));
  }
  if (bytes.size() < HeaderBytes(header)) return truncated;
  // The narrow count fills the low half.
  std::memcpy(&header.images_seen, bytes.data() + 12, HeaderBytes(header) - 12);
  return header;
}

// How many whole convolutions `bytes` hold after the header; an error when they
// end inside one, or go on after the last.
absl::StatusOr<int> CountConvolutions(absl::string_view bytes,
                                      absl::string_view file,
                                      const Graph& graph,
                                      const DarknetHeader& header,
                                      bool allow_partial) {
  const std::vector<int> nodes = Convolutions(graph);
  size_t expected = HeaderBytes(header);
  int held = 0;  // whole convolutions in the file
  bool at_boundary = bytes.size() == expected;
  for (const int node : nodes) {
    expected += ConvolutionBytes(graph, node);
    if (bytes.size() >= expected) ++held;
    at_boundary = at_boundary || bytes.size() == expected;
  }
  if (bytes.size() > expected) {
    return absl::DataLossError(absl::StrCat(
        file, ": ", bytes.size(), " bytes, but the network asks for ", expected,
        ": ", bytes.size() - expected,
        " bytes follow after the "
        "last of ",
        nodes.size(), " convolutions; is it of another .cfg?"));
  }
  if (bytes.size() == expected || (allow_partial && at_boundary)) return held;
  const Node& cut = graph.nodes(nodes[held]);
  return absl::DataLossError(absl::StrCat(
      file, ": ", bytes.size(), " bytes, but the network asks for ", expected,
      ": the file ends ", at_boundary ? "before" : "inside", " node '",
      cut.name(), "' (darknet layer ", cut.source_layer(), "), after ", held,
      " of ", nodes.size(), " convolutions"));
}

class Reader {
 public:
  explicit Reader(absl::string_view bytes) : bytes_(bytes) {}

  void Read(int64_t count, std::vector<float>* values) {
    values->resize(count);
    const size_t size = sizeof(float) * count;
    std::memcpy(values->data(), bytes_.data(), size);
    bytes_.remove_prefix(size);
  }

 private:
  absl::string_view bytes_;
};

void ReadConvolution(const Graph& graph, int node, Reader* reader,
                     ConvolutionWeights* weights) {
  const ConvolutionOp& op = graph.nodes(node).convolution();
  reader->Read(op.out_channels(), &weights->bias);
  if (op.batch_norm()) {
    reader->Read(op.out_channels(), &weights->gamma);
    reader->Read(op.out_channels(), &weights->mean);
    reader->Read(op.out_channels(), &weights->variance);
  }
  reader->Read(WeightCount(graph, node), &weights->weights);
}

absl::StatusOr<DarknetWeights> Parse(absl::string_view bytes,
                                     absl::string_view file, const Graph& graph,
                                     Weights initial, bool allow_partial) {
  DarknetWeights result;
  YOLOQ_ASSIGN_OR_RETURN(result.header, ParseHeader(bytes, file));
  YOLOQ_ASSIGN_OR_RETURN(
      result.convolutions,
      CountConvolutions(bytes, file, graph, result.header, allow_partial));
  result.weights = std::move(initial);
  Reader reader(bytes.substr(HeaderBytes(result.header)));
  const std::vector<int> nodes = Convolutions(graph);
  for (int i = 0; i < result.convolutions; ++i) {
    ReadConvolution(graph, nodes[i], &reader, &result.weights.nodes[nodes[i]]);
  }
  const absl::Status status = CheckWeights(graph, result.weights);
  if (!status.ok()) {
    return absl::DataLossError(absl::StrCat(file, ": ", status.message()));
  }
  return result;
}

void WriteBytes(const void* data, size_t size, std::ostream& out) {
  out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void WriteValues(const std::vector<float>& values, std::ostream& out) {
  WriteBytes(values.data(), sizeof(float) * values.size(), out);
}

void WriteHeader(const DarknetHeader& header, std::ostream& out) {
  WriteBytes(&header.major, 4, out);
  WriteBytes(&header.minor, 4, out);
  WriteBytes(&header.revision, 4, out);
  WriteBytes(&header.images_seen, HeaderBytes(header) - 12, out);
}

}  // namespace

absl::StatusOr<DarknetWeights> ParseDarknetWeights(absl::string_view bytes,
                                                   absl::string_view file,
                                                   const Graph& graph) {
  Weights empty;
  empty.nodes.resize(graph.nodes_size());
  return Parse(bytes, file, graph, std::move(empty), /*allow_partial=*/false);
}

absl::StatusOr<DarknetWeights> ParsePartialDarknetWeights(
    absl::string_view bytes, absl::string_view file, const Graph& graph,
    Weights initial) {
  YOLOQ_RETURN_IF_ERROR(
      Annotate(CheckWeights(graph, initial), "the initial weights"));
  return Parse(bytes, file, graph, std::move(initial), /*allow_partial=*/true);
}

absl::StatusOr<DarknetWeights> ReadDarknetWeights(const std::string& path,
                                                  const Graph& graph) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParseDarknetWeights(file.view(), path, graph);
}

absl::StatusOr<DarknetWeights> ReadPartialDarknetWeights(
    const std::string& path, const Graph& graph, Weights initial) {
  YOLOQ_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  return ParsePartialDarknetWeights(file.view(), path, graph,
                                    std::move(initial));
}

absl::Status WriteDarknetWeights(const std::string& path, const Graph& graph,
                                 const DarknetWeights& weights) {
  YOLOQ_RETURN_IF_ERROR(CheckWeights(graph, weights.weights));
  const std::vector<int> nodes = Convolutions(graph);
  if (weights.convolutions < 0 ||
      weights.convolutions > static_cast<int>(nodes.size())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the first ", weights.convolutions,
        " convolutions cannot be written, there are ", nodes.size()));
  }
  return WriteFileAtomically(path, [&](std::ostream& out) {
    WriteHeader(weights.header, out);
    for (int i = 0; i < weights.convolutions; ++i) {
      const ConvolutionWeights& one = weights.weights.nodes[nodes[i]];
      WriteValues(one.bias, out);
      WriteValues(one.gamma, out);
      WriteValues(one.mean, out);
      WriteValues(one.variance, out);
      WriteValues(one.weights, out);
    }
    return absl::OkStatus();
  });
}

}  // namespace yoloq
