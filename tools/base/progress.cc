#include "tools/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace yoloq {
namespace {

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Progress::Progress(absl::string_view label, int64_t total,
                   absl::string_view unit)
    : label_(label),
      total_(std::max<int64_t>(total, 1)),
      unit_(unit),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      drawn_(start_) {}

Progress::~Progress() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (shown_) Draw(/*final=*/true);
}

void Progress::Advance(int64_t count) {
  std::lock_guard<std::mutex> lock(mutex_);
  done_ += count;
  const double interval_s = terminal_ ? (shown_ ? 0.2 : 1.0) : 10.0;
  if (SecondsSince(drawn_) >= interval_s) Draw(/*final=*/false);
}

void Progress::Skip(int64_t count) {
  std::lock_guard<std::mutex> lock(mutex_);
  done_ += count;
  skipped_ += count;
}

void Progress::SetNote(absl::string_view note) {
  std::lock_guard<std::mutex> lock(mutex_);
  note_ = std::string(note);
}

void Progress::Draw(bool final) {
  const std::string line =
      FormatProgress(note_.empty() ? label_ : absl::StrCat(label_, ", ", note_),
                     done_, skipped_, total_, unit_, SecondsSince(start_));
  const char* end = terminal_ ? (final ? "\x1b[K\n" : "\x1b[K") : "\n";
  std::fprintf(stderr, "%s%s%s", terminal_ ? "\r" : "", line.c_str(), end);
  std::fflush(stderr);
  drawn_ = Clock::now();
  shown_ = true;
}

std::string FormatProgress(absl::string_view label, int64_t done,
                           int64_t skipped, int64_t total,
                           absl::string_view unit, double elapsed_s) {
  constexpr int kBarWidth = 24;
  const double share =
      std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
  const int filled = static_cast<int>(share * kBarWidth);
  const double rate =
      elapsed_s > 0 ? static_cast<double>(done - skipped) / elapsed_s : 0;
  std::string line =
      absl::StrFormat("%-10s [%s%s] %d/%d %s", label, std::string(filled, '#'),
                      std::string(kBarWidth - filled, '.'), done, total, unit);
  if (rate > 0) absl::StrAppendFormat(&line, ", %.3g %s/s", rate, unit);
  if (done < total && rate > 0) {
    absl::StrAppend(&line, ", ",
                    FormatDuration(static_cast<double>(total - done) / rate),
                    " left");
  } else {
    absl::StrAppend(&line, ", ", FormatDuration(elapsed_s));
  }
  return line;
}

std::string FormatDuration(double seconds) {
  const int64_t whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) {
    return absl::StrFormat("%d min %02d s", whole / 60, whole % 60);
  }
  const int64_t hours = whole / 3600;
  if (hours < 48)
    return absl::StrFormat("%d h %02d min", hours, whole / 60 % 60);
  return absl::StrFormat("%d days %02d h", hours / 24, hours % 24);
}

}  // namespace yoloq
