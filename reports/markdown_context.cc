#include "reports/markdown_context.h"

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "reports/distinct.h"
#include "reports/format_number.h"
#include "reports/markdown_table.h"
#include "tools/base/digest.h"

namespace yoloq {
namespace {

using Fact = std::function<std::string(const RunResult&)>;

std::string ShortDigest(const std::string& digest) {
  return digest.substr(0, 12);
}

std::string Host(const RunResult& result) {
  const Provenance& provenance = result.provenance();
  return absl::StrCat(
      provenance.host_name(), ", ", provenance.cpu_count(), " x ",
      provenance.cpu_model(), ", ",
      FormatFixed(provenance.memory_bytes() / double{1 << 30}, 1),
      " GiB of memory, ", provenance.operating_system());
}

std::string Commit(const RunResult& result) {
  const Provenance& provenance = result.provenance();
  const std::string& dirty = provenance.git_dirty();
  return absl::StrCat(provenance.git_commit(),
                      dirty == "true"    ? ", with changes (dirty)"
                      : dirty == "false" ? ", clean"
                                         : ", clean or not is unknown");
}

std::string Compiler(const RunResult& result) {
  return result.provenance().compiler();
}

std::string Libraries(const RunResult& result) {
  std::set<std::string> entries;
  for (const auto& [library, version] : result.provenance().libraries()) {
    entries.insert(absl::StrCat(library, " ", version));
  }
  return absl::StrJoin(entries, ", ");
}

std::string Started(const RunResult& result) {
  return result.provenance().started_utc();
}

std::string Profile(const RunResult& result) {
  const ProfileSpec& profile = result.profile();
  return absl::StrCat(profile.name(), profile.description().empty() ? "" : ": ",
                      profile.description());
}

std::string Data(const RunResult& result) {
  const DataSpec& data = result.profile().data();
  if (data.voc_root().empty()) return "none";
  std::string text =
      absl::StrCat("test ", absl::StrJoin(data.test_sets(), ", "));
  if (!data.train_sets().empty()) {
    absl::StrAppend(&text, "; training ",
                    absl::StrJoin(data.train_sets(), ", "));
  }
  if (!data.note().empty()) absl::StrAppend(&text, "; ", data.note());
  return text;
}

std::string Inputs(const RunResult& result) {
  std::set<std::string> entries;
  for (const auto& [path, digest] : result.provenance().input_digests()) {
    entries.insert(absl::StrCat(path, " ", ShortDigest(digest)));
  }
  return absl::StrJoin(entries, ", ");
}

std::string CalibrationImages(const RunResult& result) {
  if (result.calibration_ids().empty()) return "";
  return absl::StrCat(
      FormatThousands(result.calibration_ids_size()), " images, list ",
      ShortDigest(Sha256Hex(absl::StrJoin(result.calibration_ids(), "\n"))));
}

std::string Quantization(const RunResult& result) {
  const ExperimentSpec& experiment = result.experiment();
  if (experiment.kind() == ExperimentSpec::BASELINE) return "";
  const QuantizationSpec& quantization = result.profile().quantization();
  const ObserverSpec::Kind observer = quantization.activation_observer().kind();
  return absl::StrCat(
      "scheme ", quantization.scheme(),
      observer == ObserverSpec::KIND_UNSPECIFIED
          ? ""
          : absl::StrCat(", observer ", ObserverSpec::Kind_Name(observer)));
}

std::string Seeds(const RunResult& result) {
  const ProfileSpec& profile = result.profile();
  return absl::StrCat("weights ", profile.model().weight_seed(),
                      ", calibration ",
                      profile.quantization().calibration_seed(), ", bootstrap ",
                      profile.evaluation().bootstrap_seed());
}

std::string FactLine(const Comparison& comparison, absl::string_view name,
                     const Fact& fact) {
  std::vector<std::pair<std::string, std::string>> label_texts;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result != nullptr) {
      label_texts.emplace_back(row.label, fact(*row.result));
    }
  }
  const std::string text = JoinDistinct(label_texts);
  return text.empty() ? "" : absl::StrCat("- ", name, ": ", text, "\n");
}

}  // namespace

std::string RenderContext(const Comparison& comparison) {
  return absl::StrCat(
      FactLine(comparison, "Host", Host),
      FactLine(comparison, "Commit", Commit),
      FactLine(comparison, "Compiler", Compiler),
      FactLine(comparison, "Libraries", Libraries),
      FactLine(comparison, "Started", Started),
      FactLine(comparison, "Profile", Profile),
      FactLine(comparison, "Data", Data),
      FactLine(comparison, "Inputs (SHA-256)", Inputs),
      FactLine(comparison, "Quantization", Quantization),
      FactLine(comparison, "Calibration (SHA-256)", CalibrationImages),
      FactLine(comparison, "Seeds", Seeds));
}

std::string RenderStages(const Comparison& comparison) {
  MarkdownTable table({{"Stage"},
                       {"First used by"},
                       {"Key"},
                       {"Seconds", MarkdownTable::Align::kRight},
                       {"This time"}});
  std::set<std::string> seen;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr) continue;
    for (const StageRecord& stage : row.result->stages()) {
      if (!seen.insert(stage.name() + stage.key()).second) continue;
      table.AddRow({stage.name(), row.label, ShortDigest(stage.key()),
                    FormatFixed(stage.seconds(), 1),
                    stage.cached() ? "from the cache" : "run"});
    }
  }
  return table.empty() ? "" : table.Render();
}

std::string RenderProfile(const Comparison& comparison) {
  std::string text;
  std::set<std::string> seen;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr) continue;
    std::string profile;
    google::protobuf::TextFormat::PrintToString(row.result->profile(),
                                                &profile);
    if (!seen.insert(profile).second) continue;
    absl::StrAppend(&text, "```textproto\n", profile, "```\n");
  }
  return text;
}

}  // namespace yoloq
