// YOLOQ_RETURN_IF_ERROR and YOLOQ_ASSIGN_OR_RETURN: Debian's Abseil (20220623)
// has absl::Status but not these.
//
//   YOLOQ_RETURN_IF_ERROR(file.Close());
//   YOLOQ_ASSIGN_OR_RETURN(std::string text, ReadFile(path));
#ifndef YOLOQ_TOOLS_BASE_STATUS_MACROS_H_
#define YOLOQ_TOOLS_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#define YOLOQ_RETURN_IF_ERROR(expr)              \
  do {                                           \
    ::absl::Status yoloq_status = (expr);        \
    if (!yoloq_status.ok()) return yoloq_status; \
  } while (false)

#define YOLOQ_STATUS_CONCAT_INNER_(a, b) a##b
#define YOLOQ_STATUS_CONCAT_(a, b) YOLOQ_STATUS_CONCAT_INNER_(a, b)
#define YOLOQ_ASSIGN_OR_RETURN(lhs, expr) \
  YOLOQ_ASSIGN_OR_RETURN_IMPL_(           \
      YOLOQ_STATUS_CONCAT_(yoloq_status_or_, __LINE__), lhs, expr)
#define YOLOQ_ASSIGN_OR_RETURN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                                 \
  if (!statusor.ok()) return statusor.status();           \
  lhs = *std::move(statusor)

namespace yoloq {

// The same code with "context: " before the message; OK stays OK. Use it to
// add the file, section or field that the callee could not know.
inline absl::Status Annotate(const absl::Status& status,
                             absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(context, ": ", status.message()));
}

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_STATUS_MACROS_H_
