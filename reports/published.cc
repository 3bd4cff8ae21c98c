#include "reports/published.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "reports/published_text.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

absl::Status Invalid(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

absl::Status CheckConditions(const PublishedConditions& conditions) {
  if (conditions.device().empty() || conditions.test_set().empty() ||
      conditions.input_size() <= 0 || conditions.classes() <= 0 ||
      conditions.test_images() <= 0) {
    return Invalid("conditions",
                   "device, input_size, classes, test_set and test_images are "
                   "required");
  }
  return absl::OkStatus();
}

absl::Status CheckTolerances(const PublishedPaper& paper) {
  std::set<Metric> seen;
  for (const Tolerance& tolerance : paper.tolerances()) {
    const std::string where =
        absl::StrCat("tolerances ", Metric_Name(tolerance.metric()));
    if (!seen.insert(tolerance.metric()).second) {
      return Invalid(where, "is there twice");
    }
    if (tolerance.absolute() < 0 || tolerance.percent() < 0) {
      return Invalid(where, "absolute and percent are not negative");
    }
    if (tolerance.reason().empty()) return Invalid(where, "reason is required");
  }
  for (const Metric metric : TableMetrics()) {
    if (seen.count(metric) == 0) {
      return Invalid("tolerances",
                     absl::StrCat(Metric_Name(metric), " is missing"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckValue(const PublishedValue& value, const std::string& where) {
  if (value.source().empty()) return Invalid(where, "source is required");
  if (value.decimals() < 0 || value.decimals() > 9) {
    return Invalid(where, "decimals is in [0, 9]");
  }
  switch (value.origin()) {
    case PublishedValue::PRINTED:
      if (value.value() <= 0) {
        return Invalid(where, "a printed value is greater than 0");
      }
      break;
    case PublishedValue::DERIVED:
    case PublishedValue::UNPUBLISHED:
      if (value.value() != 0) {
        return Invalid(where,
                       absl::StrCat("a value of origin ",
                                    PublishedValue::Origin_Name(value.origin()),
                                    " is not given"));
      }
      break;
    default:
      return Invalid(where, "origin is required");
  }
  return absl::OkStatus();
}

absl::Status CheckRows(const PublishedPaper& paper) {
  std::set<std::string> ids;
  for (const PublishedRow& row : paper.rows()) {
    const std::string where = absl::StrCat("row ", row.id());
    if (row.id().find('/') == std::string::npos) {
      return Invalid(where, "id is \"table/row\"");
    }
    if (!ids.insert(row.id()).second) return Invalid(where, "is there twice");
    if (row.method().empty() || row.backbone() == PRECISION_UNSPECIFIED ||
        row.neck() == PRECISION_UNSPECIFIED ||
        row.head() == PRECISION_UNSPECIFIED) {
      return Invalid(where, "method, backbone, neck and head are required");
    }
    std::set<Metric> metrics;
    for (const PublishedValue& value : row.values()) {
      const std::string value_where =
          absl::StrCat(where, ", ", Metric_Name(value.metric()));
      if (!metrics.insert(value.metric()).second) {
        return Invalid(value_where, "is there twice");
      }
      YOLOQ_RETURN_IF_ERROR(CheckValue(value, value_where));
    }
    for (const Metric metric : TableMetrics()) {
      if (metrics.count(metric) == 0) {
        return Invalid(where, absl::StrCat(Metric_Name(metric), " is missing"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckClaims(const PublishedPaper& paper) {
  std::set<std::string> ids;
  for (const PublishedClaim& claim : paper.claims()) {
    const std::string where = absl::StrCat("claim ", claim.id());
    if (claim.id().empty() || !ids.insert(claim.id()).second) {
      return Invalid(where, "id is required and unique");
    }
    if (claim.text().empty() || claim.source().empty() ||
        claim.metric() == METRIC_UNSPECIFIED ||
        claim.formula() == PublishedClaim::FORMULA_UNSPECIFIED) {
      return Invalid(where, "text, source, formula and metric are required");
    }
    const bool has_row_a = claim.formula() != PublishedClaim::LOWEST;
    if (FindRow(paper, claim.row_b()) == nullptr ||
        (has_row_a && FindRow(paper, claim.row_a()) == nullptr)) {
      return Invalid(where, absl::StrCat("no such rows: \"", claim.row_a(),
                                         "\", \"", claim.row_b(), "\""));
    }
    if (claim.formula() == PublishedClaim::REDUCTION &&
        (claim.tolerance() <= 0 || claim.tolerance_reason().empty())) {
      return Invalid(where, "tolerance and tolerance_reason are required");
    }
  }
  return absl::OkStatus();
}

absl::Status DeriveFromClaim(const PublishedPaper& paper,
                             const PublishedRow& row, PublishedValue* value) {
  const std::string where =
      absl::StrCat("row ", row.id(), ", ", Metric_Name(value->metric()));
  const PublishedClaim* claim = FindClaim(paper, value->derived_from_claim());
  if (claim == nullptr || claim->formula() != PublishedClaim::REDUCTION ||
      claim->row_b() != row.id() || claim->metric() != value->metric()) {
    return Invalid(where, absl::StrCat("derived_from_claim \"",
                                       value->derived_from_claim(),
                                       "\" is no reduction of this value"));
  }
  const PublishedValue* base =
      FindValue(*FindRow(paper, claim->row_a()), value->metric());
  if (base->origin() != PublishedValue::PRINTED) {
    return Invalid(where, "is derived from a value that is not printed");
  }
  value->set_value(base->value() * (1 - claim->value() / 100));
  return absl::OkStatus();
}

absl::Status DeriveFps(PublishedRow* row) {
  for (PublishedValue& value : *row->mutable_values()) {
    if (value.origin() != PublishedValue::DERIVED ||
        !value.derived_from_claim().empty()) {
      continue;
    }
    const PublishedValue* latency = FindValue(*row, LATENCY_S);
    if (value.metric() != FPS || latency->value() <= 0) {
      return Invalid(
          absl::StrCat("row ", row->id(), ", ", Metric_Name(value.metric())),
          "derived_from_claim is required");
    }
    value.set_value(1 / latency->value());
  }
  return absl::OkStatus();
}

absl::Status Derive(PublishedPaper* paper) {
  for (PublishedRow& row : *paper->mutable_rows()) {
    for (PublishedValue& value : *row.mutable_values()) {
      if (value.derived_from_claim().empty()) continue;
      YOLOQ_RETURN_IF_ERROR(DeriveFromClaim(*paper, row, &value));
    }
    YOLOQ_RETURN_IF_ERROR(DeriveFps(&row));
  }
  return absl::OkStatus();
}

absl::Status CheckAndDerive(PublishedPaper* paper) {
  YOLOQ_RETURN_IF_ERROR(CheckConditions(paper->conditions()));
  YOLOQ_RETURN_IF_ERROR(CheckTolerances(*paper));
  YOLOQ_RETURN_IF_ERROR(CheckRows(*paper));
  YOLOQ_RETURN_IF_ERROR(CheckClaims(*paper));
  return Derive(paper);
}

}  // namespace

absl::StatusOr<PublishedPaper> LoadPublished() {
  return ParsePublished(PublishedText(), "reports/published.textproto");
}

absl::StatusOr<PublishedPaper> ParsePublished(absl::string_view text,
                                              absl::string_view name) {
  PublishedPaper paper;
  YOLOQ_RETURN_IF_ERROR(ParseTextProto(text, name, &paper));
  YOLOQ_RETURN_IF_ERROR(Annotate(CheckAndDerive(&paper), name));
  return paper;
}

const PublishedRow* FindRow(const PublishedPaper& paper, absl::string_view id) {
  for (const PublishedRow& row : paper.rows()) {
    if (row.id() == id) return &row;
  }
  return nullptr;
}

const PublishedValue* FindValue(const PublishedRow& row, Metric metric) {
  for (const PublishedValue& value : row.values()) {
    if (value.metric() == metric) return &value;
  }
  return nullptr;
}

const PublishedClaim* FindClaim(const PublishedPaper& paper,
                                absl::string_view id) {
  for (const PublishedClaim& claim : paper.claims()) {
    if (claim.id() == id) return &claim;
  }
  return nullptr;
}

const Tolerance& ToleranceOf(const PublishedPaper& paper, Metric metric) {
  for (const Tolerance& tolerance : paper.tolerances()) {
    if (tolerance.metric() == metric) return tolerance;
  }
  return Tolerance::default_instance();
}

double AbsoluteTolerance(const PublishedPaper& paper,
                         const PublishedValue& value) {
  const Tolerance& tolerance = ToleranceOf(paper, value.metric());
  return tolerance.absolute() + tolerance.percent() / 100 * value.value();
}

const std::vector<Metric>& TableMetrics() {
  static const auto& metrics =
      *new std::vector<Metric>{MODEL_SIZE_MB, MAP_PERCENT, LATENCY_S, FPS};
  return metrics;
}

absl::string_view TableOf(absl::string_view row_id) {
  return row_id.substr(0, row_id.find('/'));
}

}  // namespace yoloq
