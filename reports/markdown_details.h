// The tables behind the columns of the main table: sizes, accuracies and
// latencies in full. Each is empty where nothing was measured.
#ifndef YOLOQ_REPORTS_MARKDOWN_DETAILS_H_
#define YOLOQ_REPORTS_MARKDOWN_DETAILS_H_

#include <string>

#include "reports/comparison.h"

namespace yoloq {

// Bytes, MB (10^6) and MiB (2^20) of the deployable files.
std::string RenderModelSizes(const Comparison& comparison);

// mAP by both protocols, with intervals.
std::string RenderAccuracies(const Comparison& comparison);

// Integer execution against fake quantization of the same network.
std::string RenderFakeQuantization(const Comparison& comparison);

// AP of each class by both protocols.
std::string RenderClasses(const Comparison& comparison);

// Statistics of the timed runs, and whether they are valid.
std::string RenderLatencies(const Comparison& comparison);

// Latencies on a Raspberry Pi 3B+ by a model, with its assumptions and error,
// and the paper's beside them.
std::string RenderModelledLatencies(const Comparison& comparison);

// What the devices told beside the times, and whether they computed what the
// host did; "" when all latencies are the host's.
std::string RenderDevices(const Comparison& comparison);

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MARKDOWN_DETAILS_H_
