// The latency of a model on the machine that this runs on.
#ifndef YOLOQ_EXPERIMENTS_HOST_LATENCY_H_
#define YOLOQ_EXPERIMENTS_HOST_LATENCY_H_

#include <string>

#include "absl/status/statusor.h"
#include "experiments/spec.pb.h"
#include "quant/deployable.h"
#include "reports/result.pb.h"

namespace yoloq {

// Times inference of a fixed picture by the rules of `spec`, on the named
// engine (experiments/engines.h). What turns out INVALID is measured once more.
absl::StatusOr<LatencyResult> MeasureHostLatency(const Deployable& model,
                                                 const std::string& engine_name,
                                                 const NativeEngineSpec& native,
                                                 const LatencySpec& spec);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_HOST_LATENCY_H_
