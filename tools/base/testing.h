// Test helpers: status matchers, a scratch folder, the shared real data.
#ifndef YOLOQ_TOOLS_BASE_TESTING_H_
#define YOLOQ_TOOLS_BASE_TESTING_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {

inline const absl::Status& GetStatus(const absl::Status& status) {
  return status;
}
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

// EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("x")));
MATCHER_P2(StatusIs, code, message_matcher,
           absl::StrCat("has code ", absl::StatusCodeToString(code),
                        " and a matching message")) {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "status is " << status.ToString();
  return status.code() == code &&
         ::testing::ExplainMatchResult(
             message_matcher, std::string(status.message()), result_listener);
}

// A new, empty folder of the running test's own.
std::string TestFolder();

// The folder of the shared real data (voc/, weights/, oracles/), or "" where
// there is none. Tests of real data begin with YOLOQ_SKIP_WITHOUT_SHARED_DATA.
std::string SharedDataFolder();

}  // namespace yoloq

#define YOLOQ_ASSERT_OK(expr)                               \
  do {                                                      \
    const auto& yoloq_test_value = (expr);                  \
    ASSERT_TRUE(::yoloq::GetStatus(yoloq_test_value).ok())  \
        << ::yoloq::GetStatus(yoloq_test_value).ToString(); \
  } while (false)

#define YOLOQ_TEST_CONCAT_INNER_(a, b) a##b
#define YOLOQ_TEST_CONCAT_(a, b) YOLOQ_TEST_CONCAT_INNER_(a, b)
#define YOLOQ_ASSERT_OK_AND_ASSIGN(lhs, expr) \
  YOLOQ_ASSERT_OK_AND_ASSIGN_IMPL_(           \
      YOLOQ_TEST_CONCAT_(yoloq_test_or_, __LINE__), lhs, expr)
#define YOLOQ_ASSERT_OK_AND_ASSIGN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                                     \
  ASSERT_TRUE(statusor.ok()) << statusor.status().ToString(); \
  lhs = *std::move(statusor)

#define YOLOQ_SKIP_WITHOUT_SHARED_DATA()                               \
  if (::yoloq::SharedDataFolder().empty())                             \
  GTEST_SKIP() << "skipped: no shared data (set YOLOQ_SHARED, or put " \
                  "shared/ beside the checkout)"

#endif  // YOLOQ_TOOLS_BASE_TESTING_H_
