// A progress line for anything that takes longer than a few seconds.
//
//   Progress progress("calibrate", 2000, "images");
//   for (...) progress.Advance(1);
//
// On a terminal one line is redrawn: bar, count, rate, time left. Elsewhere
// (a log file, CI) a line is written at most every ten seconds. Output goes to
// standard error. Nothing is written for work that ends within a second.
#ifndef YOLOQ_TOOLS_BASE_PROGRESS_H_
#define YOLOQ_TOOLS_BASE_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"

namespace yoloq {

class Progress {
 public:
  // total: units of work in all (> 0); unit: their name in the plural.
  Progress(absl::string_view label, int64_t total, absl::string_view unit);
  // Finishes the line.
  ~Progress();

  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Counts work done. Thread-safe.
  void Advance(int64_t count);

  // Counts work that an earlier, interrupted run did: shown, but no part of
  // the rate.
  void Skip(int64_t count);

  // A few words ("loss 3.2") that follow the label from the next drawing on.
  // Thread-safe.
  void SetNote(absl::string_view note);

 private:
  void Draw(bool final);

  const std::string label_;
  const int64_t total_;
  const std::string unit_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point drawn_;
  int64_t done_ = 0;
  int64_t skipped_ = 0;
  std::string note_;
  bool shown_ = false;
};

// The text of the line, without bar width negotiation: exposed for tests.
// elapsed_s: seconds spent on the (done - skipped) units.
std::string FormatProgress(absl::string_view label, int64_t done,
                           int64_t skipped, int64_t total,
                           absl::string_view unit, double elapsed_s);

// "42 s", "3 min 05 s", "2 h 10 min", "40 days 02 h".
std::string FormatDuration(double seconds);

}  // namespace yoloq

#endif  // YOLOQ_TOOLS_BASE_PROGRESS_H_
