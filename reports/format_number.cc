#include "reports/format_number.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace yoloq {

std::string FormatFixed(double value, int decimals) {
  if (!std::isfinite(value)) return "-";
  const std::string text = absl::StrFormat("%.*f", decimals, value);
  const bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return is_zero && text[0] == '-' ? text.substr(1) : text;
}

std::string FormatSigned(double value, int decimals) {
  const std::string text = FormatFixed(value, decimals);
  return text[0] == '-' ? text : absl::StrCat("+", text);
}

int DecimalsFor(double value, int at_least) {
  if (!std::isfinite(value) || value == 0) return at_least;
  const int magnitude =
      static_cast<int>(std::floor(std::log10(std::fabs(value))));
  return std::min(9, std::max(at_least, 2 - magnitude));
}

std::string FormatInterval(const Interval& interval, double factor,
                           int decimals) {
  return absl::StrCat("[", FormatFixed(interval.low() * factor, decimals), ", ",
                      FormatFixed(interval.high() * factor, decimals), "]");
}

std::string FormatThousands(int64_t value) {
  std::string text = absl::StrCat(value);
  const int first = text[0] == '-' ? 1 : 0;
  for (int at = static_cast<int>(text.size()) - 3; at > first; at -= 3) {
    text.insert(at, ",");
  }
  return text;
}

double RoundTo(double value, int decimals) {
  const double unit = std::pow(10.0, decimals);
  return std::round(value * unit) / unit;
}

}  // namespace yoloq
