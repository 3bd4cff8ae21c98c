#include "reports/row_label.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace yoloq {

std::string RowLabel(absl::string_view method, Precision backbone,
                     Precision neck, Precision head) {
  std::vector<std::string> int8;
  if (backbone == INT8) int8.push_back("B");
  if (neck == INT8) int8.push_back("N");
  if (head == INT8) int8.push_back("H");
  const bool partial = !int8.empty() && int8.size() < 3;
  return partial ? absl::StrCat("INT8 ", absl::StrJoin(int8, "+"))
                 : std::string(method);
}

}  // namespace yoloq
