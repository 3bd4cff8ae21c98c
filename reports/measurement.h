// One value of a result in the unit of the paper's tables, and whether it was
// measured under the paper's conditions.
#ifndef YOLOQ_REPORTS_MEASUREMENT_H_
#define YOLOQ_REPORTS_MEASUREMENT_H_

#include <cstdint>
#include <string>

#include "absl/types/optional.h"
#include "reports/published.pb.h"
#include "reports/result.pb.h"

namespace yoloq {

struct Measurement {
  absl::optional<double> value;       // in the metric's unit
  absl::optional<Interval> interval;  // 95 %, in the metric's unit
  std::string not_run;         // why there is no value; "" when there is one
  std::string not_comparable;  // what differs from the paper's conditions; ""
  std::string measured_on;     // network, data or device, in words; ""
};

// `result` may be null: nothing was run. `paper_parameters`: trainable
// parameters of the paper's network. A latency whose result is not valid is
// given, and not comparable.
Measurement MeasurementOf(const RunResult* result, Metric metric,
                          const PublishedConditions& conditions,
                          int64_t paper_parameters);

// True when the profile's tables show AP by 11 points, not by area.
bool ShowsElevenPoint(const RunResult& result);

// The mAP of the profile's protocol, in [0, 1].
double TableMap(const RunResult& result, const AccuracyResult& accuracy);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MEASUREMENT_H_
