#include "reports/results_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/protobuf/text_format.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kSchemaVersion = 1;
constexpr absl::string_view kHeader = "# proto-message:";

// The message that a file says it holds; "" when it says nothing. Only the
// comments that it begins with count.
absl::string_view MessageName(absl::string_view text) {
  while (!text.empty()) {
    const absl::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const absl::string_view content = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(content, kHeader)) {
      return absl::StripAsciiWhitespace(content.substr(kHeader.size()));
    }
    if (!content.empty() && content.front() != '#') return "";
  }
  return "";
}

// Collects the first thing that is wrong; `where` is the field that it is in.
class Checker {
 public:
  absl::Status status() const { return status_; }

  void Fail(absl::string_view field, absl::string_view what) {
    if (!status_.ok()) return;
    status_ = absl::InvalidArgumentError(absl::StrCat(field, " ", what));
  }

  void Version(absl::string_view where, int version) {
    if (version == kSchemaVersion) return;
    Fail(absl::StrCat(where, "schema_version"),
         absl::StrCat("is ", version, "; this build reads ", kSchemaVersion));
  }

  void Map(absl::string_view field, double map) {
    if (map >= 0 && map <= 1) return;
    Fail(field, absl::StrCat("is ", map, ", a mAP is from 0 to 1"));
  }

  void Ordered(absl::string_view field, const Interval& interval) {
    if (interval.low() <= interval.high()) return;
    Fail(field, absl::StrCat("is from ", interval.low(), " to ",
                             interval.high(), ": low exceeds high"));
  }

  void Named(absl::string_view field, absl::string_view name) {
    if (name.empty()) Fail(field, "is required");
  }

 private:
  absl::Status status_;
};

std::string Item(absl::string_view list, int index) {
  return absl::StrCat(list, "[", index, "].");
}

void CheckAccuracy(const std::string& where, const AccuracyResult& accuracy,
                   Checker* checker) {
  checker->Map(where + "map_area", accuracy.map_area());
  checker->Map(where + "map_eleven_point", accuracy.map_eleven_point());
  checker->Ordered(where + "map_area_interval", accuracy.map_area_interval());
  checker->Ordered(where + "map_eleven_point_interval",
                   accuracy.map_eleven_point_interval());
  checker->Ordered(where + "map_change_interval",
                   accuracy.map_change_interval());
}

void Check(const RunResult& result, const std::string& where,
           Checker* checker) {
  checker->Version(where, result.schema_version());
  CheckAccuracy(where + "accuracy.", result.accuracy(), checker);
  CheckAccuracy(where + "fake_quant_accuracy.", result.fake_quant_accuracy(),
                checker);
  for (int i = 0; i < result.comparisons_size(); ++i) {
    const std::string item = where + Item("comparisons", i);
    checker->Named(item + "other", result.comparisons(i).other());
    checker->Ordered(item + "interval", result.comparisons(i).interval());
  }
  for (int i = 0; i < result.calibration_draws_size(); ++i) {
    checker->Map(where + Item("calibration_draws", i) + "map",
                 result.calibration_draws(i).map());
  }
}

absl::Status Check(const RunResults& results) {
  Checker checker;
  for (int i = 0; i < results.results_size(); ++i) {
    Check(results.results(i), Item("results", i), &checker);
  }
  return checker.status();
}

absl::Status Check(const SensitivityResult& result) {
  Checker checker;
  checker.Version("", result.schema_version());
  checker.Map("map_fp32", result.map_fp32());
  checker.Map("map_int8", result.map_int8());
  for (int i = 0; i < result.layers_size(); ++i) {
    const LayerSensitivity& layer = result.layers(i);
    const std::string where = Item("layers", i);
    checker.Named(where + "node", layer.node());
    if (layer.part() != "BACKBONE" && layer.part() != "NECK" &&
        layer.part() != "HEAD") {
      checker.Fail(where + "part", absl::StrCat("is \"", layer.part(),
                                                "\", not BACKBONE, NECK or "
                                                "HEAD"));
    }
    checker.Map(where + "map_alone_int8", layer.map_alone_int8());
    checker.Map(where + "map_alone_fp32", layer.map_alone_fp32());
    checker.Ordered(where + "alone_int8_interval", layer.alone_int8_interval());
    checker.Ordered(where + "alone_fp32_interval", layer.alone_fp32_interval());
  }
  return checker.status();
}

absl::Status Check(const AblationResult& result) {
  Checker checker;
  checker.Version("", result.schema_version());
  checker.Map("map_fp32", result.map_fp32());
  for (int i = 0; i < result.rows_size(); ++i) {
    const AblationRow& row = result.rows(i);
    const std::string where = Item("rows", i);
    checker.Named(where + "recipe", row.recipe());
    checker.Map(where + "map", row.map());
    checker.Ordered(where + "drop_interval", row.drop_interval());
  }
  return checker.status();
}

template <typename Results>
absl::StatusOr<AnyResults> Parse(const std::string& text,
                                 const std::string& path) {
  Results results;
  YOLOQ_RETURN_IF_ERROR(ParseTextProto(text, path, &results));
  YOLOQ_RETURN_IF_ERROR(Annotate(Check(results), path));
  return AnyResults(std::move(results));
}

}  // namespace

absl::Status WriteResults(const std::string& path,
                          const google::protobuf::Message& results) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(results, &text);
  const google::protobuf::Descriptor& type = *results.GetDescriptor();
  return WriteFileAtomically(
      path, absl::StrCat("# proto-file: ", type.file()->name(), "\n", kHeader,
                         " ", type.full_name(), "\n", text));
}

absl::StatusOr<AnyResults> ReadResults(const std::string& path) {
  YOLOQ_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const absl::string_view name = MessageName(text);
  if (name.empty() || name == "yoloq.RunResults") {
    return Parse<RunResults>(text, path);
  }
  if (name == "yoloq.SensitivityResult") {
    return Parse<SensitivityResult>(text, path);
  }
  if (name == "yoloq.AblationResult") return Parse<AblationResult>(text, path);
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": \"", kHeader, " ", name,
                   "\": results are a yoloq.RunResults, SensitivityResult or "
                   "AblationResult"));
}

}  // namespace yoloq
