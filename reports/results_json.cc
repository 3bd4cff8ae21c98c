#include "reports/results_json.h"

#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver.h"
#include "google/protobuf/util/type_resolver_util.h"
#include "reports/measurement.h"
#include "reports/published.h"
#include "reports/verdict.h"
#include "tools/base/proto_file.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 2;
constexpr char kTypeUrlPrefix[] = "type.googleapis.com";

struct MetricName {
  const char* name;
  const char* unit;
};

MetricName NameOf(Metric metric) {
  switch (metric) {
    case MODEL_SIZE_MB:
      return {"model_size", "MB"};
    case MAP_PERCENT:
      return {"map", "%"};
    case LATENCY_S:
      return {"latency", "s"};
    case FPS:
      return {"fps", "1/s"};
    default:
      return {"", ""};
  }
}

void Scale(const Interval& interval, double factor, ReportInterval* scaled) {
  scaled->set_low(interval.low() * factor);
  scaled->set_high(interval.high() * factor);
}

// Adds the entries of one row.
class EntryWriter {
 public:
  EntryWriter(const PublishedPaper& paper, const ComparedRow& row,
              ReportDocument* document)
      : paper_(paper), row_(row), document_(document) {}

  void AddAll() {
    for (const ComparedValue& value : row_.values) AddCompared(value);
    if (row_.result == nullptr) return;
    AddSizeDetails();
    AddAccuracyDetails();
    AddLatencyDetails();
    AddModelledLatency();
  }

 private:
  ReportEntry* Add(const MetricName& name) {
    ReportEntry* entry = document_->add_entries();
    entry->set_row(row_.id);
    entry->set_method(row_.method);
    entry->set_metric(name.name);
    entry->set_unit(name.unit);
    return entry;
  }

  void AddCompared(const ComparedValue& value) {
    ReportEntry* entry = Add(NameOf(value.metric));
    if (value.ours.value.has_value()) entry->set_value(*value.ours.value);
    if (value.ours.interval.has_value()) {
      Scale(*value.ours.interval, 1, entry->mutable_interval());
    }
    entry->set_verdict(std::string(VerdictName(value.judgement.verdict)));
    entry->set_reason(value.judgement.reason);
    entry->set_measured_on(value.ours.measured_on);
    AddPublished(value, entry);
    if (!value.ours.value.has_value()) return;
    if (value.metric == MAP_PERCENT) {
      entry->set_engine(row_.result->accuracy().engine());
    }
    if (value.metric == LATENCY_S || value.metric == FPS) AddDevice(entry);
  }

  void AddPublished(const ComparedValue& value, ReportEntry* entry) {
    if (value.published == nullptr ||
        value.published->origin() == PublishedValue::UNPUBLISHED) {
      return;
    }
    ReportPublished* published = entry->mutable_published();
    published->set_value(value.published->value());
    published->set_decimals(value.published->decimals());
    published->set_origin(
        PublishedValue::Origin_Name(value.published->origin()));
    published->set_source(value.published->source());
    published->set_tolerance(AbsoluteTolerance(paper_, *value.published));
    published->set_tolerance_reason(ToleranceOf(paper_, value.metric).reason());
  }

  void AddDevice(ReportEntry* entry) {
    const LatencyResult& latency = row_.result->latency();
    entry->set_device(latency.device());
    entry->set_engine(latency.engine());
    entry->set_threads(latency.threads());
    entry->set_valid(latency.valid());
  }

  void AddSizeDetails() {
    if (!row_.result->has_model_size()) return;
    Add({"model_size_mib", "MiB"})
        ->set_value(row_.result->model_size().file_bytes() / double{1 << 20});
  }

  void AddMap(const char* name, double map, bool has_interval,
              const Interval& interval, const AccuracyResult& accuracy) {
    ReportEntry* entry = Add({name, "%"});
    entry->set_value(map * 100);
    if (has_interval) Scale(interval, 100, entry->mutable_interval());
    entry->set_engine(accuracy.engine());
  }

  void AddAccuracyDetails() {
    if (row_.result->has_accuracy()) {
      const AccuracyResult& accuracy = row_.result->accuracy();
      AddMap("map_area", accuracy.map_area(), accuracy.has_map_area_interval(),
             accuracy.map_area_interval(), accuracy);
      AddMap("map_eleven_point", accuracy.map_eleven_point(),
             accuracy.has_map_eleven_point_interval(),
             accuracy.map_eleven_point_interval(), accuracy);
      if (accuracy.has_map_change_interval()) {
        ReportEntry* entry = Add({"map_change", "points"});
        entry->set_value(accuracy.map_change() * 100);
        Scale(accuracy.map_change_interval(), 100, entry->mutable_interval());
      }
    }
    if (row_.result->has_fake_quant_accuracy()) {
      const AccuracyResult& fake = row_.result->fake_quant_accuracy();
      AddMap("map_fake_quantized", TableMap(*row_.result, fake), false, {},
             fake);
    }
  }

  void AddLatencyDetails() {
    if (!row_.result->has_latency()) return;
    const LatencyResult& latency = row_.result->latency();
    ReportEntry* p90 = Add({"latency_p90", "s"});
    p90->set_value(latency.p90_ms() / 1e3);
    AddDevice(p90);
    ReportEntry* min = Add({"latency_min", "s"});
    min->set_value(latency.min_ms() / 1e3);
    AddDevice(min);
  }

  // A metric of its own, without `valid` and verdict: nothing was measured.
  void AddModelledLatency() {
    if (!row_.result->has_modelled_latency()) return;
    const ModelledLatency& latency = row_.result->modelled_latency();
    ReportEntry* entry = Add({"latency_modelled", "s"});
    entry->set_value(latency.ms() / 1e3);
    entry->set_device("Raspberry Pi 3B+, modelled");
    entry->set_engine(latency.engine());
    entry->set_threads(latency.threads());
    entry->set_reason(absl::StrCat(
        "modelled, never measured: model ", latency.model_version(),
        ", factor ", latency.factor(), ", error ", latency.largest_error()));
  }

  const PublishedPaper& paper_;
  const ComparedRow& row_;
  ReportDocument* document_;
};

void AddRow(const PublishedPaper& paper, const ComparedRow& row,
            ReportDocument* document) {
  EntryWriter(paper, row, document).AddAll();
  if (row.result == nullptr) return;
  ReportRun* run = document->add_runs();
  run->set_row(row.id);
  *run->mutable_experiment() = row.result->experiment();
  *run->mutable_profile() = row.result->profile();
  *run->mutable_provenance() = row.result->provenance();
}

void AddClaim(const JudgedClaim& judged, ReportDocument* document) {
  ReportClaim* claim = document->add_claims();
  claim->set_id(judged.claim->id());
  claim->set_text(judged.claim->text());
  claim->set_source(judged.claim->source());
  claim->set_verdict(std::string(ClaimVerdictName(judged.verdict)));
  claim->set_reason(judged.reason);
  for (const ClaimDifference& difference : judged.differences) {
    ReportDifference* entry = claim->add_differences();
    entry->set_label(difference.label);
    if (difference.points.has_value()) entry->set_value(*difference.points);
    if (difference.interval.has_value()) {
      Scale(*difference.interval, 1, entry->mutable_interval());
    }
    for (const double draw : difference.draws) entry->add_draws(draw);
  }
}

}  // namespace

ReportDocument MakeDocument(const std::vector<Comparison>& tables) {
  ReportDocument document;
  document.set_schema_version(kSchemaVersion);
  std::set<std::string> seen;
  for (const Comparison& table : tables) {
    document.add_tables(table.table);
    for (const ComparedRow& row : table.rows) {
      if (seen.insert(row.id).second) AddRow(*table.paper, row, &document);
    }
    for (const JudgedClaim& judged : table.claims) AddClaim(judged, &document);
  }
  for (const AuditFinding& finding : tables.front().audit) {
    ReportFinding* entry = document.add_audit();
    entry->set_status(std::string(AuditStatusName(finding.status)));
    entry->set_subject(finding.subject);
    entry->set_detail(finding.detail);
  }
  return document;
}

absl::StatusOr<std::string> RenderJson(const std::vector<Comparison>& tables) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  const ReportDocument document = MakeDocument(tables);
  const std::unique_ptr<google::protobuf::util::TypeResolver> types(
      google::protobuf::util::NewTypeResolverForDescriptorPool(
          kTypeUrlPrefix, document.GetDescriptor()->file()->pool()));
  // From bytes with maps in a fixed order: MessageToJsonString's order is not.
  std::string text;
  const auto status = google::protobuf::util::BinaryToJsonString(
      types.get(),
      absl::StrCat(kTypeUrlPrefix, "/", document.GetDescriptor()->full_name()),
      SerializeDeterministically(document), &text, options);
  if (!status.ok()) {
    return absl::InternalError(
        absl::StrCat("the report as JSON: ", status.ToString()));
  }
  if (text.empty() || text.back() != '\n') text += '\n';
  return text;
}

}  // namespace yoloq
