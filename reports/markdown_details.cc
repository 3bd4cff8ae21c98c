#include "reports/markdown_details.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "reports/format_number.h"
#include "reports/markdown_table.h"
#include "reports/measurement.h"

namespace yoloq {
namespace {

constexpr auto kRight = MarkdownTable::Align::kRight;

std::string Percent(double fraction) { return FormatFixed(fraction * 100, 2); }

std::string PercentWithInterval(double fraction, bool has_interval,
                                const Interval& interval) {
  return has_interval ? absl::StrCat(Percent(fraction), " ",
                                     FormatInterval(interval, 100, 2))
                      : Percent(fraction);
}

std::string Render(const MarkdownTable& table) {
  return table.empty() ? "" : table.Render();
}

const ClassAccuracy* FindClass(const AccuracyResult& accuracy,
                               const std::string& name) {
  for (const ClassAccuracy& entry : accuracy.classes()) {
    if (entry.name() == name) return &entry;
  }
  return nullptr;
}

// The rows whose accuracy was measured.
std::vector<const ComparedRow*> RowsWithAccuracy(const Comparison& comparison) {
  std::vector<const ComparedRow*> rows;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result != nullptr && row.result->has_accuracy()) {
      rows.push_back(&row);
    }
  }
  return rows;
}

}  // namespace

std::string RenderModelSizes(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"File (bytes)", kRight},
                       {"MB (10^6)", kRight},
                       {"MiB (2^20)", kRight},
                       {"Weights (bytes)", kRight},
                       {"SHA-256"}});
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr || !row.result->has_model_size()) continue;
    const ModelSizeResult& size = row.result->model_size();
    table.AddRow({row.label, FormatThousands(size.file_bytes()),
                  FormatFixed(size.file_bytes() / 1e6, 2),
                  FormatFixed(size.file_bytes() / double{1 << 20}, 2),
                  FormatThousands(size.weight_bytes()),
                  size.file_sha256().substr(0, 12)});
  }
  return Render(table);
}

std::string RenderAccuracies(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"mAP by area (%)", kRight},
                       {"mAP by 11 points (%)", kRight},
                       {"Images", kRight},
                       {"Engine"},
                       {"ms / image", kRight},
                       {"Detections (SHA-256)"}});
  for (const ComparedRow* row : RowsWithAccuracy(comparison)) {
    const AccuracyResult& accuracy = row->result->accuracy();
    table.AddRow({row->label,
                  PercentWithInterval(accuracy.map_area(),
                                      accuracy.has_map_area_interval(),
                                      accuracy.map_area_interval()),
                  PercentWithInterval(accuracy.map_eleven_point(),
                                      accuracy.has_map_eleven_point_interval(),
                                      accuracy.map_eleven_point_interval()),
                  FormatThousands(accuracy.images()), accuracy.engine(),
                  FormatFixed(accuracy.seconds_per_image() * 1e3, 1),
                  accuracy.detections_sha256().substr(0, 12)});
  }
  return Render(table);
}

std::string RenderFakeQuantization(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"Integer mAP (%)", kRight},
                       {"Fake-quantized mAP (%)", kRight},
                       {"Difference (points)", kRight}});
  for (const ComparedRow* row : RowsWithAccuracy(comparison)) {
    if (!row->result->has_fake_quant_accuracy()) continue;
    const double integer = TableMap(*row->result, row->result->accuracy());
    const double fake =
        TableMap(*row->result, row->result->fake_quant_accuracy());
    table.AddRow({row->label, Percent(integer), Percent(fake),
                  FormatSigned((integer - fake) * 100, 2)});
  }
  return Render(table);
}

std::string RenderClasses(const Comparison& comparison) {
  const std::vector<const ComparedRow*> rows = RowsWithAccuracy(comparison);
  if (rows.empty()) return "";
  std::vector<MarkdownTable::Column> columns = {{"Class"}, {"Objects", kRight}};
  for (const ComparedRow* row : rows) {
    columns.push_back({absl::StrCat(row->label, ", area"), kRight});
    columns.push_back({"11 points", kRight});
  }
  MarkdownTable table(std::move(columns));
  for (const ClassAccuracy& first :
       rows.front()->result->accuracy().classes()) {
    std::vector<std::string> cells = {first.name(),
                                      FormatThousands(first.objects())};
    for (const ComparedRow* row : rows) {
      const ClassAccuracy* entry =
          FindClass(row->result->accuracy(), first.name());
      cells.push_back(entry == nullptr ? "" : Percent(entry->ap_area()));
      cells.push_back(entry == nullptr ? ""
                                       : Percent(entry->ap_eleven_point()));
    }
    table.AddRow(std::move(cells));
  }
  return Render(table);
}

std::string RenderLatencies(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"Device"},
                       {"Engine"},
                       {"Threads", kRight},
                       {"Runs", kRight},
                       {"Median (ms)", kRight},
                       {"p90", kRight},
                       {"Min", kRight},
                       {"CoV (%)", kRight},
                       {"Validity"}});
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr || !row.result->has_latency()) continue;
    const LatencyResult& latency = row.result->latency();
    std::string median = FormatFixed(latency.median_ms(), 2);
    if (latency.has_median_interval_ms()) {
      absl::StrAppend(&median, " ",
                      FormatInterval(latency.median_interval_ms(), 1, 2));
    }
    table.AddRow(
        {row.label, latency.device(), latency.engine(),
         absl::StrCat(latency.threads()),
         FormatThousands(latency.samples_ns_size()), median,
         FormatFixed(latency.p90_ms(), 2), FormatFixed(latency.min_ms(), 2),
         FormatFixed(latency.coefficient_of_variation() * 100, 1),
         latency.valid()
             ? "VALID"
             : absl::StrCat("INVALID: ",
                            absl::StrJoin(latency.invalid_reasons(), "; "))});
  }
  return Render(table);
}

namespace {

// The paper's latency of the row in seconds; "" where it is not printed.
std::string PublishedLatency(const ComparedRow& row) {
  for (const ComparedValue& value : row.values) {
    if (value.metric != LATENCY_S || value.published == nullptr ||
        value.published->origin() == PublishedValue::UNPUBLISHED) {
      continue;
    }
    return FormatFixed(value.published->value(), value.published->decimals());
  }
  return "";
}

// Once for each model that the rows were modelled by.
std::string ModelText(const std::vector<const ModelledLatency*>& latencies) {
  std::string text;
  std::set<std::string> seen;
  for (const ModelledLatency* latency : latencies) {
    const std::string model = absl::StrFormat(
        "- Model %d, engine %s, %d threads. Assumed: %s: %.2f. Error: %.0f %%, "
        "the largest when each of the published networks is modelled with the "
        "factor of the others.\n",
        latency->model_version(), latency->engine(), latency->threads(),
        latency->assumptions(), latency->factor(),
        latency->largest_error() * 100);
    if (seen.insert(model).second) text += model;
  }
  return text;
}

}  // namespace

std::string RenderModelledLatencies(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"Network"},
                       {"Modelled (s)", kRight},
                       {"Instructions (10^9)", kRight},
                       {"Memory traffic (MB)", kRight},
                       {"Paper's measurement (s)", kRight}});
  std::vector<const ModelledLatency*> latencies;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr || !row.result->has_modelled_latency()) continue;
    const ModelledLatency& latency = row.result->modelled_latency();
    latencies.push_back(&latency);
    table.AddRow({row.label,
                  absl::StrCat(latency.model().label(), " at ",
                               latency.model().input_size(), " x ",
                               latency.model().input_size()),
                  FormatFixed(latency.ms() * 1e-3, 2),
                  FormatFixed(latency.instructions() * 1e-9, 2),
                  FormatFixed(latency.traffic_bytes() * 1e-6, 0),
                  PublishedLatency(row)});
  }
  if (latencies.empty()) return "";
  return absl::StrCat(
      "Modelled, never measured: what a model of the board makes of each "
      "deployed file. No verdict rests on it.\n\n",
      Render(table), "\n", ModelText(latencies),
      "- Command: `bazel run //hw:model_pi3 -- --model=FILE`; layer by layer, "
      "before the factor: `bazel run //hw:explain_engine -- --model=FILE "
      "--core=cortex_a53 --threads=4`.\n"
      "- The paper's figures are measurements of its own network and engine, "
      "for "
      "orientation.\n");
}

namespace {

std::string Range(bool there, double low, double high, int decimals) {
  if (!there) return "";
  const std::string first = FormatFixed(low, decimals);
  const std::string last = FormatFixed(high, decimals);
  return first == last ? first : absl::StrCat(first, " to ", last);
}

std::string BoardText(const DeviceRun& run) {
  std::string text = absl::StrCat(
      run.board_model().empty() ? run.cpu_model() : run.board_model(), ", ",
      run.kernel());
  if (run.emulated()) absl::StrAppend(&text, " (emulated)");
  return text;
}

std::string CheckText(const RunResult& result) {
  if (!result.has_device_check()) return "not run";
  const DeviceCheck& check = result.device_check();
  if (check.equal_heads() == check.images()) {
    return absl::StrCat("the same bits as the host on ", check.images(), " of ",
                        check.images(), " images");
  }
  return absl::StrCat(
      "the same detections as the host but for rounding on ",
      check.close_detections(), " of ", check.images(), " images",
      check.must_be_equal() ? "; the bits should be equal" : "");
}

}  // namespace

std::string RenderDevices(const Comparison& comparison) {
  MarkdownTable table({{"Row"},
                       {"Board"},
                       {"Governor"},
                       {"Clock (MHz)", kRight},
                       {"Temperature (C)", kRight},
                       {"Throttled"},
                       {"Load (ms)", kRight},
                       {"First (ms)", kRight},
                       {"Pre-processing (ms)", kRight},
                       {"Decoding and NMS (ms)", kRight},
                       {"Peak memory (MB)", kRight},
                       {"Computes"}});
  bool any = false;
  for (const ComparedRow& row : comparison.rows) {
    if (row.result == nullptr || !row.result->latency().has_device_run()) {
      continue;
    }
    any = true;
    const DeviceRun& run = row.result->latency().device_run();
    table.AddRow(
        {row.label, BoardText(run), run.governor(),
         Range(run.has_min_clock_khz(), run.min_clock_khz() * 1e-3,
               run.max_clock_khz() * 1e-3, 0),
         Range(run.has_min_celsius(), run.min_celsius(), run.max_celsius(), 1),
         run.has_throttled() ? absl::StrFormat("0x%x", run.throttled()) : "",
         FormatFixed(run.load_ms(), 0),
         FormatFixed(run.first_inference_ms(), 0),
         FormatFixed(run.preprocess_ms(), 2),
         FormatFixed(run.postprocess_ms(), 2),
         FormatFixed(run.peak_memory_bytes() * 1e-6, 1),
         CheckText(*row.result)});
  }
  return any ? Render(table) : "";
}

}  // namespace yoloq
