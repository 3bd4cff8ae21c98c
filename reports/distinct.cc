#include "reports/distinct.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace yoloq {

std::string JoinDistinct(
    const std::vector<std::pair<std::string, std::string>>& label_texts) {
  struct Group {
    std::string text;
    std::vector<std::string> labels;
  };
  std::vector<Group> groups;
  for (const auto& [label, text] : label_texts) {
    if (text.empty()) continue;
    auto group =
        std::find_if(groups.begin(), groups.end(),
                     [&text = text](const Group& g) { return g.text == text; });
    if (group == groups.end()) {
      groups.push_back({text, {}});
      group = groups.end() - 1;
    }
    group->labels.push_back(label);
  }
  if (groups.empty()) return "";
  if (groups.size() == 1) return groups.front().text;
  return absl::StrJoin(groups, "; ", [](std::string* out, const Group& group) {
    absl::StrAppend(out, group.text, " (", absl::StrJoin(group.labels, ", "),
                    ")");
  });
}

}  // namespace yoloq
