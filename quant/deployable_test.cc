#include "quant/deployable.h"

#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "quant/deployable_check.h"
#include "quant/random_deployable.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

QuantizationSpec Spec(
    QuantizationSpec::LeakyMode leaky = QuantizationSpec::FUSED) {
  QuantizationSpec spec;
  spec.set_weights(QuantizationSpec::PER_CHANNEL);
  spec.set_leaky(leaky);
  spec.set_concat(QuantizationSpec::REQUANTIZE);
  return spec;
}

std::string Int8File(const QuantizationSpec& spec = Spec()) {
  const Graph graph = SmallGraph();
  return RandomDeployable(graph, PrecisionByPart(graph, INT8, INT8, INT8), spec,
                          5);
}

absl::Status Read(absl::string_view file) {
  const AlignedBytes bytes(file);
  return Deployable::FromBytes(bytes.view(), "model.yoloq").status();
}

// A file that differs from a valid one in its header and data, digests correct.
absl::Status ReadEdited(
    const std::function<void(DeployableModel*, std::string* data)>& edit,
    const QuantizationSpec& spec = Spec(), Precision neck = INT8) {
  const Graph graph = SmallGraph();
  const AlignedBytes bytes(RandomDeployable(
      graph, PrecisionByPart(graph, INT8, neck, INT8), spec, 5));
  auto valid = Deployable::FromBytes(bytes.view(), "valid");
  if (!valid.ok()) return absl::InternalError(valid.status().ToString());
  DeployableModel model = valid->model();
  std::string data(
      bytes.view().substr(bytes.view().size() - model.data_bytes()));
  edit(&model, &data);
  DeployableWriter writer;
  writer.Append(data.data(), data.size());
  return Read(writer.Serialize(model));
}

NodeExecution* At(DeployableModel* model, absl::string_view name) {
  for (int i = 0; i < model->graph().nodes_size(); ++i) {
    if (model->graph().nodes(i).name() == name) return model->mutable_nodes(i);
  }
  ADD_FAILURE() << "no node " << name;
  return nullptr;
}

// A model of one FP32 convolution, 1x1, from 3 to 2 channels.
DeployableModel TinyModel(DeployableWriter* writer) {
  DeployableModel model;
  *model.mutable_graph() = GraphFromText(R"pb(
    nodes {
      name: "input"
      output { channels: 3 height: 2 width: 2 }
      input {}
    }
    nodes {
      name: "c"
      inputs: 0
      convolution { out_channels: 2 kernel: 1 stride: 1 groups: 1 }
    })pb");
  model.add_nodes()->set_precision(FP32);
  NodeExecution* execution = model.add_nodes();
  execution->set_precision(FP32);
  const float weights[6] = {1, 2, 3, 4, 5, 6};
  const float bias[2] = {7, 8};
  *execution->mutable_weights() = writer->Append(weights, sizeof(weights));
  *execution->mutable_bias() = writer->Append(bias, sizeof(bias));
  return model;
}

TEST(DeployableTest, ReadsWhatWasWritten) {
  DeployableWriter writer;
  const DeployableModel model = TinyModel(&writer);
  const std::string path = TestFolder() + "/m.yoloq";
  YOLOQ_ASSERT_OK(writer.Write(model, path));
  YOLOQ_ASSERT_OK_AND_ASSIGN(const int64_t size, FileSizeBytes(path));
  EXPECT_EQ(size, writer.FileSizeBytes(model));

  YOLOQ_ASSERT_OK_AND_ASSIGN(Deployable opened, Deployable::Open(path));
  const Deployable moved = std::move(opened);
  EXPECT_THAT(moved.FloatWeights(1), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(moved.FloatBias(1), ElementsAre(7, 8));
  EXPECT_EQ(moved.weight_bytes(), 32);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(moved.FloatBias(1).data()) % 64, 0);
}

TEST(DeployableTest, LayoutIsAsDocumented) {
  DeployableWriter writer;
  const DeployableModel model = TinyModel(&writer);
  const std::string file = writer.Serialize(model);
  EXPECT_EQ(file.substr(0, 8), std::string("YOLOQ\0\1\0", 8));
  uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i) {
    header_bytes = header_bytes << 8 | static_cast<uint8_t>(file[8 + i]);
  }
  DeployableModel header;
  ASSERT_TRUE(header.ParseFromString(file.substr(48, header_bytes)));
  EXPECT_EQ(header.data_bytes(), 64 + 64);
  const size_t start = (48 + header_bytes + 63) / 64 * 64;
  EXPECT_EQ(file.size(), start + header.data_bytes());
  float third;
  memcpy(&third, file.data() + start + 8, 4);
  EXPECT_EQ(third, 3.0f);
}

TEST(DeployableTest, AcceptsInt8AndMixedModels) {
  YOLOQ_ASSERT_OK(Read(Int8File()));
  YOLOQ_ASSERT_OK(Read(Int8File(Spec(QuantizationSpec::TWO_STEP))));
  const Graph graph = SmallGraph();
  for (int bits = 0; bits < 8; ++bits) {
    const auto precision = [&](int part) {
      return bits >> part & 1 ? INT8 : FP32;
    };
    YOLOQ_ASSERT_OK(Read(RandomDeployable(
        graph, PrecisionByPart(graph, precision(0), precision(1), precision(2)),
        Spec(), bits)));
  }
}

TEST(DeployableTest, MissingFileIsNotFound) {
  EXPECT_THAT(
      Deployable::Open("/nowhere/m.yoloq"),
      StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/m.yoloq")));
}

TEST(DeployableTest, UnalignedBytesAreRefused) {
  const AlignedBytes bytes(" " + Int8File());
  EXPECT_THAT(Deployable::FromBytes(bytes.view().substr(1), "m"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("multiple of 64")));
}

TEST(DeployableTest, EveryTruncationIsDataLoss) {
  const std::string file = Int8File();
  for (size_t size = 0; size < file.size(); size += size < 64 ? 1 : 61) {
    EXPECT_THAT(
        Read(file.substr(0, size)),
        StatusIs(absl::StatusCode::kDataLoss,
                 AllOf(HasSubstr("model.yoloq"), HasSubstr("truncated"))))
        << size;
  }
  EXPECT_THAT(Read(file.substr(0, file.size() - 1)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("truncated")));
}

TEST(DeployableTest, TruncationInsideTheVersionIsDataLoss) {
  EXPECT_THAT(Read(std::string("YOLOQ\0\4", 7)),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("truncated")));
}

TEST(DeployableTest, EveryFlippedByteIsFound) {
  std::string file = Int8File();
  for (size_t at = 0; at < file.size(); at += at < 64 ? 1 : 23) {
    file[at] ^= 0x10;
    const absl::Status status = Read(file);
    EXPECT_THAT(status, StatusIs(at < 8 ? absl::StatusCode::kInvalidArgument
                                        : absl::StatusCode::kDataLoss,
                                 HasSubstr("model.yoloq: ")))
        << at;
    file[at] ^= 0x10;
  }
  YOLOQ_ASSERT_OK(Read(file));
}

TEST(DeployableTest, AppendedBytesAreDataLoss) {
  EXPECT_THAT(Read(Int8File() + "x"), StatusIs(absl::StatusCode::kDataLoss,
                                               HasSubstr("1 bytes too many")));
}

TEST(DeployableTest, AnotherKindOfFileIsInvalid) {
  EXPECT_THAT(Read(std::string(500, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("is not a deployable model file")));
}

TEST(DeployableTest, AnotherVersionIsInvalid) {
  std::string file = Int8File();
  file[6] = 2;
  EXPECT_THAT(Read(file), StatusIs(absl::StatusCode::kInvalidArgument,
                                   HasSubstr("format version 2.0")));
}

TEST(DeployableTest, ForgedHeaderSizeIsDataLoss) {
  std::string file = Int8File();
  for (int i = 8; i < 16; ++i) file[i] = '\xff';
  EXPECT_THAT(Read(file),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("header size")));
}

struct Edit {
  const char* name;
  std::function<void(DeployableModel*, std::string*)> edit;
  const char* message;
};

void SetFloat(std::string* data, const Blob& blob, int index, float value) {
  memcpy(&(*data)[blob.offset_bytes() + 4 * index], &value, 4);
}

TEST(DeployableCheckTest, NamesTheNodeAndWhatIsWrong) {
  const float kNan = std::numeric_limits<float>::quiet_NaN();
  const Edit kEdits[] = {
      {"shape",
       [](DeployableModel* m, std::string*) {
         m->mutable_graph()->mutable_nodes(2)->mutable_output()->set_width(9);
       },
       "node \"conv2\": stored output shape differs"},
      {"graph",
       [](DeployableModel* m, std::string*) {
         m->mutable_graph()->mutable_nodes(2)->set_inputs(0, 4);
       },
       "graph: "},
      {"batch norm",
       [](DeployableModel* m, std::string*) {
         m->mutable_graph()
             ->mutable_nodes(1)
             ->mutable_convolution()
             ->set_batch_norm(true);
       },
       "node \"conv1\": batch norm is not folded"},
      {"count", [](DeployableModel* m, std::string*) { m->add_nodes(); },
       "19 entries, the graph has 18"},
      {"precision",
       [](DeployableModel* m, std::string*) {
         At(m, "conv3")->clear_precision();
       },
       "node \"conv3\": precision is neither"},
      {"head precision",
       [](DeployableModel* m, std::string*) {
         At(m, "yolo1")->set_precision(FP32);
       },
       "node \"yolo1\": a YOLO head must have the precision of its input"},
      {"no output",
       [](DeployableModel* m, std::string*) { At(m, "add")->clear_output(); },
       "node \"add\": output: an INT8 node needs it"},
      {"no quantization",
       [](DeployableModel* m, std::string*) { m->clear_quantization(); },
       "quantization: weights"},
      {"scale 0",
       [](DeployableModel* m, std::string*) {
         At(m, "add")->mutable_output()->set_scale(0);
       },
       "node \"add\": output: scale 0"},
      {"scale nan",
       [kNan](DeployableModel* m, std::string*) {
         At(m, "add")->mutable_output()->set_scale(kNan);
       },
       "node \"add\": output: scale nan"},
      {"scale inf",
       [](DeployableModel* m, std::string*) {
         At(m, "add")->mutable_output()->set_scale(INFINITY);
       },
       "node \"add\": output: scale inf"},
      {"zero point",
       [](DeployableModel* m, std::string*) {
         At(m, "add")->mutable_output()->set_zero_point(256);
       },
       "node \"add\": output: zero point 256"},
      {"input scale",
       [](DeployableModel* m, std::string*) {
         At(m, "input")->mutable_output()->set_scale(1);
       },
       "node \"input\": output: the network's input must have scale 1/255"},
      {"moved bytes",
       [](DeployableModel* m, std::string*) {
         At(m, "upsample")->mutable_output()->set_zero_point(1);
       },
       "node \"upsample\": output: must be the quantization"},
      {"before activation",
       [](DeployableModel* m, std::string*) {
         At(m, "conv1")->mutable_before_activation()->set_scale(1);
       },
       "node \"conv1\": before_activation has no meaning"},
      {"two-step",
       [](DeployableModel* m, std::string*) {
         m->mutable_quantization()->set_leaky(QuantizationSpec::TWO_STEP);
       },
       "node \"conv1\": before_activation is missing"},
      {"weights on add",
       [](DeployableModel* m, std::string*) {
         At(m, "add")->mutable_weights()->set_size_bytes(4);
       },
       "node \"add\": has weights"},
      {"size",
       [](DeployableModel* m, std::string*) {
         At(m, "conv1")->mutable_weights()->set_size_bytes(215);
       },
       "node \"conv1\": weights: 215 bytes, the graph asks for 216"},
      {"alignment",
       [](DeployableModel* m, std::string*) {
         At(m, "conv1")->mutable_bias()->set_offset_bytes(4);
       },
       "node \"conv1\": bias: offset 4 is not a multiple"},
      {"outside",
       [](DeployableModel* m, std::string*) {
         At(m, "conv1")->mutable_bias()->set_offset_bytes(~uint64_t{63});
       },
       "node \"conv1\": bias: lies outside"},
      {"scale count",
       [](DeployableModel* m, std::string*) {
         At(m, "conv1")->mutable_weight_scales()->set_size_bytes(28);
       },
       "node \"conv1\": weight_scales: 28 bytes, the graph asks for 32"},
      {"-128",
       [](DeployableModel* m, std::string* data) {
         (*data)[At(m, "conv2")->weights().offset_bytes() + 100] = '\x80';
       },
       "node \"conv2\": weights: output channel 1 holds -128"},
      {"accumulator",
       [](DeployableModel* m, std::string* data) {
         const int32_t bias = std::numeric_limits<int32_t>::min();
         memcpy(&(*data)[At(m, "conv2")->bias().offset_bytes()], &bias, 4);
       },
       "node \"conv2\": weights and bias: the accumulator of output channel 0"},
      {"weight scale",
       [](DeployableModel* m, std::string* data) {
         SetFloat(data, At(m, "conv2")->weight_scales(), 3, -1);
       },
       "node \"conv2\": weight_scales: value 3 is -1"},
      {"multiplier",
       [](DeployableModel* m, std::string* data) {
         At(m, "conv1")->mutable_output()->set_scale(kMinScale);
         At(m, "conv2")->mutable_output()->set_scale(kMaxScale);
         SetFloat(data, At(m, "conv2")->weight_scales(), 0, kMinScale);
       },
       "node \"conv2\": weight_scales: value 0 makes the multiplier 0"},
  };
  for (const Edit& edit : kEdits) {
    EXPECT_THAT(
        ReadEdited(edit.edit),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 AllOf(HasSubstr("model.yoloq: "), HasSubstr(edit.message))))
        << edit.name;
  }
}

TEST(DeployableCheckTest, EdgeIntoInt8NeedsQuantization) {
  EXPECT_THAT(ReadEdited([](DeployableModel* m,
                            std::string*) { At(m, "neck")->clear_output(); },
                         Spec(), FP32),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("node \"raw2\": reads \"neck\" in INT8")));
}

TEST(DeployableCheckTest, FloatWeightsMustBeFinite) {
  for (const float bad : {INFINITY, -INFINITY, std::nanf("")}) {
    EXPECT_THAT(ReadEdited(
                    [bad](DeployableModel* m, std::string* data) {
                      SetFloat(data, At(m, "neck")->weights(), 5, bad);
                    },
                    Spec(), FP32),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("node \"neck\": weights or bias: a value")));
  }
}

}  // namespace
}  // namespace yoloq
