// The profile `nano_voc` on the shared real data.
#ifndef YOLOQ_TESTS_NANO_VOC_H_
#define YOLOQ_TESTS_NANO_VOC_H_

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// With the data, cfg and weights of SharedDataFolder() (not "") and the
// shortest of latency measurements.
absl::StatusOr<ProfileSpec> NanoVocProfile();

}  // namespace yoloq

#endif  // YOLOQ_TESTS_NANO_VOC_H_
