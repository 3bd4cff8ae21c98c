#include "experiments/sensitivity_study.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "model/graph.h"
#include "quant/node_precision.h"
#include "tools/base/progress.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 1;

std::vector<int> Convolutions(const Graph& graph) {
  std::vector<int> nodes;
  for (int i = 0; i < graph.nodes_size(); ++i) {
    if (graph.nodes(i).has_convolution()) nodes.push_back(i);
  }
  return nodes;
}

// What every layer is compared with and by.
class Study {
 public:
  static absl::StatusOr<Study> Create(Workbench* workbench) {
    Study study(workbench);
    const Graph& graph = workbench->network().graph();
    YOLOQ_ASSIGN_OR_RETURN(const ExportedModel fp32,
                           study.pipeline_->Export({FP32, FP32, FP32}));
    YOLOQ_ASSIGN_OR_RETURN(study.fp32_,
                           study.pipeline_->Evaluate(fp32, study.engine()));
    YOLOQ_ASSIGN_OR_RETURN(
        study.int8_,
        study.pipeline_->EvaluateNodes(PrecisionByPart(graph, INT8, INT8, INT8),
                                       "all INT8", study.engine()));
    return study;
  }

  absl::StatusOr<SensitivityResult> Skeleton() {
    SensitivityResult result;
    result.set_schema_version(kSchemaVersion);
    *result.mutable_profile() = workbench_->profile();
    *result.mutable_provenance() = workbench_->MakeProvenance();
    *result.mutable_model() = workbench_->network().Measured();
    result.set_engine(engine());
    YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_->MakeScorer());
    YOLOQ_ASSIGN_OR_RETURN(const Score fp32, scorer.Compute(fp32_, nullptr));
    YOLOQ_ASSIGN_OR_RETURN(const Score int8, scorer.Compute(int8_, nullptr));
    result.set_images(fp32.accuracy.images());
    result.set_map_fp32(scorer.TableMap(fp32.accuracy));
    result.set_map_int8(scorer.TableMap(int8.accuracy));
    return result;
  }

  absl::StatusOr<LayerSensitivity> Layer(int node) {
    const Graph& graph = workbench_->network().graph();
    const std::string& name = graph.nodes(node).name();
    LayerSensitivity layer;
    layer.set_node(name);
    layer.set_part(Part_Name(graph.nodes(node).part()));
    layer.set_weight_bytes(4 * ParameterCount(WithoutBatchNorm(graph), node));

    std::vector<Precision> precision(graph.nodes_size(), FP32);
    precision[node] = INT8;
    YOLOQ_ASSIGN_OR_RETURN(
        const Outcome int8,
        Evaluate(precision, absl::StrCat("only ", name, " INT8"), fp32_));
    layer.set_map_alone_int8(int8.map);
    *layer.mutable_alone_int8_interval() = int8.change;

    precision = PrecisionByPart(graph, INT8, INT8, INT8);
    precision[node] = FP32;
    YOLOQ_ASSIGN_OR_RETURN(
        const Outcome fp32,
        Evaluate(precision, absl::StrCat("all but ", name, " INT8"), int8_));
    layer.set_map_alone_fp32(fp32.map);
    *layer.mutable_alone_fp32_interval() = fp32.change;
    return layer;
  }

 private:
  struct Outcome {
    double map = 0;
    Interval change;  // against the reference
  };

  explicit Study(Workbench* workbench)
      : workbench_(workbench), pipeline_(workbench->MakePipeline()) {}

  const std::string& engine() const { return workbench_->options().engine; }

  absl::StatusOr<Outcome> Evaluate(std::vector<Precision> precision,
                                   const std::string& description,
                                   const EvaluatedModel& reference) {
    precision =
        CompletePrecision(workbench_->network().graph(), std::move(precision));
    YOLOQ_ASSIGN_OR_RETURN(
        const EvaluatedModel evaluated,
        pipeline_->EvaluateNodes(precision, description, engine()));
    YOLOQ_ASSIGN_OR_RETURN(const Scorer scorer, workbench_->MakeScorer());
    YOLOQ_ASSIGN_OR_RETURN(const Score score,
                           scorer.Compute(evaluated, &reference));
    return Outcome{scorer.TableMap(score.accuracy),
                   score.accuracy.map_change_interval()};
  }

  Workbench* workbench_;
  std::unique_ptr<Pipeline> pipeline_;
  EvaluatedModel fp32_;
  EvaluatedModel int8_;
};

}  // namespace

absl::StatusOr<SensitivityResult> StudySensitivity(
    const ProfileSpec& profile, const RunnerOptions& options) {
  if (profile.data().noise_only()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "profile ", profile.name(),
        " has no data: the sensitivity of layers is a loss of accuracy; take "
        "another --profile"));
  }
  YOLOQ_ASSIGN_OR_RETURN(const std::unique_ptr<Workbench> workbench,
                         Workbench::Open(profile, options));
  YOLOQ_ASSIGN_OR_RETURN(Study study, Study::Create(workbench.get()));
  YOLOQ_ASSIGN_OR_RETURN(SensitivityResult result, study.Skeleton());
  const std::vector<int> nodes = Convolutions(workbench->network().graph());
  Progress progress("sensitivity", static_cast<int64_t>(nodes.size()),
                    "layers");
  for (const int node : nodes) {
    YOLOQ_ASSIGN_OR_RETURN(*result.add_layers(), study.Layer(node));
    progress.Advance(1);
  }
  return result;
}

}  // namespace yoloq
