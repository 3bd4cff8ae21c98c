// The paper's claims about an order of rows, with what speaks for and against
// them. Each is empty where there is nothing to say.
#ifndef YOLOQ_REPORTS_MARKDOWN_CLAIMS_H_
#define YOLOQ_REPORTS_MARKDOWN_CLAIMS_H_

#include <string>

#include "reports/comparison.h"

namespace yoloq {

// A verdict a claim, with the differences of mAP that it rests on; then what
// each partial configuration costs in mAP for what it saves in size.
std::string RenderClaims(const Comparison& comparison);

// mAP with each draw of calibration images, and its spread.
std::string RenderCalibrationDraws(const Comparison& comparison);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MARKDOWN_CLAIMS_H_
