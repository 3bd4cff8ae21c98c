// What several rows have in common is said once; what differs is said with the
// rows that it is true of.
#ifndef YOLOQ_REPORTS_DISTINCT_H_
#define YOLOQ_REPORTS_DISTINCT_H_

#include <string>
#include <utility>
#include <vector>

namespace yoloq {

// (label of a row, text): "same" when all texts are equal, else "one
// (Baseline); other (PTQ, QAT)", in order of first appearance. Empty texts do
// not count.
std::string JoinDistinct(
    const std::vector<std::pair<std::string, std::string>>& label_texts);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_DISTINCT_H_
