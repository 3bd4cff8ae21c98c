#include "reports/comparison.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "reports/format_number.h"
#include "reports/published.h"
#include "reports/row_label.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

using Rows = std::vector<ComparedRow>;

bool IsBaseline(const ComparedRow& row) {
  return row.backbone == FP32 && row.neck == FP32 && row.head == FP32;
}

bool IsPartial(const ComparedRow& row) {
  return row.backbone != row.neck || row.neck != row.head;
}

class Comparer {
 public:
  Comparer(const std::vector<RunResult>& results, const PublishedPaper& paper,
           const PartParameters& parameters)
      : results_(results),
        paper_(paper),
        audit_(AuditPaper(paper, parameters)),
        paper_parameters_(parameters.total()) {}

  absl::StatusOr<Comparison> Run(absl::string_view table) {
    YOLOQ_RETURN_IF_ERROR(CheckResults());
    const Rows all = AllRows();
    Comparison comparison;
    comparison.table = std::string(table);
    comparison.paper = &paper_;
    for (const ComparedRow& row : all) {
      if (FindRow(paper_, row.id) == nullptr || TableOf(row.id) == table) {
        comparison.rows.push_back(row);
      }
      has_table_ = has_table_ || TableOf(row.id) == table;
    }
    if (!has_table_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the paper has no table \"", table, "\""));
    }
    comparison.pairs = Pairs(all, comparison.rows);
    comparison.claims = JudgeOrderClaims(paper_, results_, table);
    comparison.audit = std::move(audit_);
    return comparison;
  }

 private:
  absl::Status CheckResults() const {
    std::set<std::string> seen;
    for (const RunResult& result : results_) {
      const ExperimentSpec& experiment = result.experiment();
      const std::string& id = experiment.paper_row();
      if (!id.empty() && FindRow(paper_, id) == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("experiment ", experiment.name(), ": paper_row \"", id,
                         "\" is not a row of reports/published.textproto"));
      }
      const std::string& key = id.empty() ? experiment.name() : id;
      if (!seen.insert(key).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("experiment ", experiment.name(),
                         ": a second result for \"", key, "\""));
      }
    }
    return absl::OkStatus();
  }

  Rows AllRows() const {
    Rows rows;
    for (const PublishedRow& published : paper_.rows()) {
      ComparedRow row;
      row.id = published.id();
      row.method = published.method();
      row.backbone = published.backbone();
      row.neck = published.neck();
      row.head = published.head();
      for (const RunResult& result : results_) {
        if (result.experiment().paper_row() == row.id) row.result = &result;
      }
      FillValues(&published, &row);
      rows.push_back(std::move(row));
    }
    for (const RunResult& result : results_) {
      const ExperimentSpec& experiment = result.experiment();
      if (!experiment.paper_row().empty()) continue;
      ComparedRow row;
      row.id = experiment.name();
      row.method = experiment.method();
      row.backbone = experiment.backbone();
      row.neck = experiment.neck();
      row.head = experiment.head();
      row.result = &result;
      FillValues(nullptr, &row);
      row.label = absl::StrCat(row.label, " (", experiment.name(), ")");
      rows.push_back(std::move(row));
    }
    return rows;
  }

  void FillValues(const PublishedRow* published, ComparedRow* row) const {
    row->label = RowLabel(row->method, row->backbone, row->neck, row->head);
    for (const Metric metric : TableMetrics()) {
      row->values.push_back(CompareValue(published, metric, row->result));
    }
  }

  ComparedValue CompareValue(const PublishedRow* row, Metric metric,
                             const RunResult* result) const {
    ComparedValue compared;
    compared.metric = metric;
    compared.ours =
        MeasurementOf(result, metric, paper_.conditions(), paper_parameters_);
    Judged judged;
    judged.ours = compared.ours.value;
    judged.not_run = compared.ours.not_run;
    judged.not_comparable = compared.ours.not_comparable;
    if (row != nullptr) {
      compared.published = FindValue(*row, metric);
      if (compared.published->origin() != PublishedValue::UNPUBLISHED) {
        judged.published = compared.published->value();
      }
      judged.decimals = compared.published->decimals();
      judged.tolerance = AbsoluteTolerance(paper_, *compared.published);
      compared.inconsistent = InconsistencyOfValue(audit_, *row, metric);
      judged.inconsistent = compared.inconsistent;
    }
    compared.judgement = Judge(judged);
    if (!judged.published.has_value() && !judged.ours.has_value()) {
      compared.judgement = {Verdict::kNotRun, compared.ours.not_run};
    }
    return compared;
  }

  static const ComparedRow* Find(const Rows& rows, absl::string_view id) {
    for (const ComparedRow& row : rows) {
      if (row.id == id) return &row;
    }
    return nullptr;
  }

  // Each row of the table against the baseline; then the pairs of rows that
  // other claims are about.
  std::vector<ComparedPair> Pairs(const Rows& all, const Rows& rows) const {
    const ComparedRow* baseline = nullptr;
    for (const ComparedRow& row : all) {
      if (baseline == nullptr && IsBaseline(row)) baseline = &row;
    }
    std::vector<ComparedPair> pairs;
    if (baseline == nullptr) return pairs;
    for (const ComparedRow& row : rows) {
      if (!IsBaseline(row)) pairs.push_back(ComparePair(*baseline, row));
    }
    std::set<std::pair<std::string, std::string>> seen;
    for (const PublishedClaim& claim : paper_.claims()) {
      if (claim.formula() != PublishedClaim::REDUCTION ||
          claim.row_a() == baseline->id ||
          Find(rows, claim.row_b()) == nullptr ||
          !seen.insert({claim.row_a(), claim.row_b()}).second) {
        continue;
      }
      pairs.push_back(
          ComparePair(*Find(all, claim.row_a()), *Find(rows, claim.row_b())));
    }
    return pairs;
  }

  ComparedPair ComparePair(const ComparedRow& a, const ComparedRow& b) const {
    ComparedPair pair;
    pair.label = absl::StrCat(b.label, " against ", a.label);
    pair.partial = IsBaseline(a) && IsPartial(b);
    for (const Metric metric : {MODEL_SIZE_MB, LATENCY_S, MAP_PERCENT}) {
      pair.changes.push_back(CompareChange(a, b, metric));
    }
    const ComparedValue& map_a = ValueOf(a, MAP_PERCENT);
    const ComparedValue& map_b = ValueOf(b, MAP_PERCENT);
    if (IsPublished(map_a) && IsPublished(map_b)) {
      pair.cells_points = map_b.published->value() - map_a.published->value();
    }
    if (map_a.ours.value.has_value() && map_b.ours.value.has_value()) {
      pair.our_points = *map_b.ours.value - *map_a.ours.value;
      const AccuracyResult& accuracy = b.result->accuracy();
      if (IsBaseline(a) && accuracy.has_map_change_interval()) {
        SetPoints(accuracy.map_change(), accuracy.map_change_interval(), &pair);
      } else if (const PairedDifference* paired =
                     FindPaired(*b.result, *a.result)) {
        SetPoints(paired->map_difference(), paired->interval(), &pair);
      }
    }
    return pair;
  }

  // From fractions to points.
  static void SetPoints(double change, const Interval& interval,
                        ComparedPair* pair) {
    pair->our_points = change * 100;
    pair->our_points_interval.emplace();
    pair->our_points_interval->set_low(interval.low() * 100);
    pair->our_points_interval->set_high(interval.high() * 100);
  }

  static const ComparedValue& ValueOf(const ComparedRow& row, Metric metric) {
    for (const ComparedValue& value : row.values) {
      if (value.metric == metric) return value;
    }
    return row.values.front();
  }

  static bool IsPublished(const ComparedValue& value) {
    return value.published != nullptr &&
           value.published->origin() != PublishedValue::UNPUBLISHED;
  }

  const PublishedClaim* ClaimAbout(const ComparedRow& a, const ComparedRow& b,
                                   Metric metric) const {
    for (const PublishedClaim& claim : paper_.claims()) {
      if (claim.formula() == PublishedClaim::REDUCTION &&
          claim.metric() == metric && claim.row_a() == a.id &&
          claim.row_b() == b.id) {
        return &claim;
      }
    }
    return nullptr;
  }

  ComparedChange CompareChange(const ComparedRow& a, const ComparedRow& b,
                               Metric metric) const {
    const ComparedValue& from = ValueOf(a, metric);
    const ComparedValue& to = ValueOf(b, metric);
    ComparedChange change;
    change.metric = metric;
    change.claim = ClaimAbout(a, b, metric);
    if (IsPublished(from) && IsPublished(to)) {
      change.from_cells = (from.published->value() - to.published->value()) /
                          from.published->value() * 100;
    }
    const absl::optional<double>& ours_from = from.ours.value;
    const absl::optional<double>& ours_to = to.ours.value;
    if (ours_from.has_value() && ours_to.has_value() && *ours_from != 0) {
      change.ours = (*ours_from - *ours_to) / *ours_from * 100;
    }
    Judged judged;
    judged.ours = change.ours;
    judged.not_run = ours_to.has_value() ? from.ours.not_run : to.ours.not_run;
    judged.not_comparable = to.ours.not_comparable.empty()
                                ? from.ours.not_comparable
                                : to.ours.not_comparable;
    if (change.claim != nullptr) {
      judged.published = change.claim->value();
      judged.decimals = change.claim->decimals();
      judged.tolerance = change.claim->tolerance();
      change.inconsistent = InconsistencyOfClaim(audit_, change.claim->id());
      judged.inconsistent = change.inconsistent;
    }
    change.judgement = Judge(judged);
    return change;
  }

  const std::vector<RunResult>& results_;
  const PublishedPaper& paper_;
  std::vector<AuditFinding> audit_;
  const int64_t paper_parameters_;
  bool has_table_ = false;
};

}  // namespace

absl::StatusOr<Comparison> Compare(absl::string_view table,
                                   const std::vector<RunResult>& results,
                                   const PublishedPaper& paper,
                                   const PartParameters& parameters) {
  return Comparer(results, paper, parameters).Run(table);
}

}  // namespace yoloq
