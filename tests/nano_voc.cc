#include "tests/nano_voc.h"

#include <string>

#include "experiments/spec_files.h"
#include "tools/base/file.h"
#include "tools/base/status_macros.h"
#include "tools/base/testing.h"

namespace yoloq {

absl::StatusOr<ProfileSpec> NanoVocProfile() {
  YOLOQ_ASSIGN_OR_RETURN(ProfileSpec profile, LoadProfile("nano_voc"));
  const std::string shared = SharedDataFolder();
  const std::string stem =
      JoinPath(shared, "weights/nano-voc/MobileNetV2-YOLOv3-Nano-voc");
  profile.mutable_model()->set_cfg(stem + ".cfg");
  profile.mutable_model()->set_weights(stem + ".weights");
  profile.mutable_data()->set_voc_root(JoinPath(shared, "voc/VOCdevkit"));
  LatencySpec* latency = profile.mutable_latency();
  latency->set_warmup_runs(0);
  latency->set_min_runs(1);
  latency->set_min_seconds(0);
  return profile;
}

}  // namespace yoloq
