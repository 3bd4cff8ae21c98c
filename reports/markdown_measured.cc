#include "reports/markdown_measured.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reports/format_number.h"

namespace yoloq {
namespace {

std::string Line(const char* name, const std::string& text) {
  return text.empty() ? "" : absl::StrCat("- ", name, ": ", text, "\n");
}

std::string Images(const ProfileSpec& profile, int images) {
  const DataSpec& data = profile.data();
  const bool eleven_point =
      profile.evaluation().table_protocol() == EvaluationSpec::ELEVEN_POINT;
  return absl::StrCat(FormatThousands(images), " of ",
                      absl::StrJoin(data.test_sets(), ", "),
                      data.note().empty() ? "" : " (", data.note(),
                      data.note().empty() ? "" : ")", ", AP by ",
                      eleven_point ? "11 points" : "area");
}

}  // namespace

std::string RenderMeasuredOn(const ProfileSpec& profile,
                             const Provenance& provenance,
                             const MeasuredModel& model, int images,
                             const std::string& engine) {
  return absl::StrCat(
      Line("Profile", absl::StrCat(profile.name(),
                                   profile.description().empty() ? "" : ": ",
                                   profile.description())),
      Line("Network",
           absl::StrCat(model.label(), " at ", model.input_size(), " x ",
                        model.input_size(), ", ",
                        FormatThousands(model.parameters()), " parameters")),
      Line("Images", Images(profile, images)), Line("Engine", engine),
      Line("Host",
           absl::StrCat(provenance.host_name(), ", ", provenance.cpu_count(),
                        " x ", provenance.cpu_model())),
      Line("Commit", absl::StrCat(provenance.git_commit(),
                                  provenance.git_dirty() == "true"
                                      ? ", with changes (dirty)"
                                      : "")),
      Line("Started", provenance.started_utc()));
}

}  // namespace yoloq
