// Numbers as reports show them. A value that is not finite prints as "-".
#ifndef YOLOQ_REPORTS_FORMAT_NUMBER_H_
#define YOLOQ_REPORTS_FORMAT_NUMBER_H_

#include <cstdint>
#include <string>

#include "reports/result.pb.h"

namespace yoloq {

// 12.345, 2 -> "12.35"; never "-0.00".
std::string FormatFixed(double value, int decimals);

// As FormatFixed, with "+" before what is not negative: "+0.10".
std::string FormatSigned(double value, int decimals);

// Decimals that show at least three significant digits of `value` and are no
// fewer than `at_least`: (0.0502, 2) -> 4; (12.49, 2) -> 2. At most 9.
int DecimalsFor(double value, int at_least);

// "[1.20, 3.40]" of the interval times `factor`.
std::string FormatInterval(const Interval& interval, double factor,
                           int decimals);

// 61626049 -> "61,626,049".
std::string FormatThousands(int64_t value);

// `value` as it is printed at so many decimals: 47.878, 1 -> 47.9.
double RoundTo(double value, int decimals);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_FORMAT_NUMBER_H_
