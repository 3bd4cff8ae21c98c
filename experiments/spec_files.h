// Reads and checks experiment and profile specs. Those of this folder are part
// of the program, by name; others are read from files.
#ifndef YOLOQ_EXPERIMENTS_SPEC_FILES_H_
#define YOLOQ_EXPERIMENTS_SPEC_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// LatencySpec.device of the machine that the experiments run on.
inline constexpr char kHostDevice[] = "host";

// `name`: of an embedded spec ("ptq"), or a path (it contains '/' or '.').
// NotFound with the known names; InvalidArgument with file, line and field.
absl::StatusOr<ExperimentSpec> LoadExperiment(const std::string& name);
absl::StatusOr<ProfileSpec> LoadProfile(const std::string& name);
absl::StatusOr<AblationSpec> LoadAblation(const std::string& name);

std::vector<std::string> EmbeddedExperiments();
std::vector<std::string> EmbeddedProfiles();

// InvalidArgument that names the field. `name` stands in errors.
absl::Status CheckExperiment(const ExperimentSpec& spec,
                             absl::string_view name);

// As CheckExperiment, for a profile after flags and overrides. Whether what it
// needs is there is for CheckRequirements (requirements.h).
absl::Status CheckProfile(const ProfileSpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_SPEC_FILES_H_
