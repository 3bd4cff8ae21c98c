#include "model/darknet_sections.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

// Of text from the file that an error quotes.
std::string Quoted(absl::string_view text) {
  constexpr size_t kMaxQuoted = 60;
  return absl::StrCat("'", absl::CHexEscape(text.substr(0, kMaxQuoted)),
                      text.size() > kMaxQuoted ? "..." : "", "'");
}

std::string WithoutBlanksAndComment(absl::string_view line) {
  std::string kept;
  for (const char c : line.substr(0, line.find_first_of("#;"))) {
    if (!absl::ascii_isspace(c)) kept.push_back(c);
  }
  return kept;
}

bool ParseFloat(absl::string_view text, float* value) {
  return absl::SimpleAtof(text, value) && std::isfinite(*value);
}

}  // namespace

absl::Status DarknetSection::Add(std::string key, std::string value, int line) {
  if (Has(key)) {
    return ErrorAt(line, absl::StrCat(Quoted(key), " is given twice"));
  }
  entries_.push_back({std::move(key), std::move(value), line});
  return absl::OkStatus();
}

const DarknetSection::Entry* DarknetSection::Find(absl::string_view key) const {
  for (const Entry& entry : entries_) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

absl::StatusOr<const DarknetSection::Entry*> DarknetSection::Require(
    absl::string_view key) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) {
    return Error(absl::StrCat("'", key, "' is missing"));
  }
  return entry;
}

absl::StatusOr<std::string> DarknetSection::Text(absl::string_view key) const {
  YOLOQ_ASSIGN_OR_RETURN(const Entry* entry, Require(key));
  return entry->value;
}

absl::StatusOr<int> DarknetSection::Int(absl::string_view key) const {
  YOLOQ_ASSIGN_OR_RETURN(const Entry* entry, Require(key));
  int value;
  if (!absl::SimpleAtoi(entry->value, &value)) {
    return KeyError(key,
                    absl::StrCat(Quoted(entry->value), " is no whole number"));
  }
  return value;
}

absl::StatusOr<std::vector<int>> DarknetSection::Ints(
    absl::string_view key) const {
  YOLOQ_ASSIGN_OR_RETURN(const Entry* entry, Require(key));
  std::vector<int> values;
  for (const absl::string_view item : absl::StrSplit(entry->value, ',')) {
    values.emplace_back();
    if (!absl::SimpleAtoi(item, &values.back())) {
      return KeyError(key, absl::StrCat(Quoted(entry->value),
                                        " is no list of whole numbers"));
    }
  }
  return values;
}

absl::StatusOr<std::vector<float>> DarknetSection::Floats(
    absl::string_view key) const {
  YOLOQ_ASSIGN_OR_RETURN(const Entry* entry, Require(key));
  std::vector<float> values;
  for (const absl::string_view item : absl::StrSplit(entry->value, ',')) {
    values.emplace_back();
    if (!ParseFloat(item, &values.back())) {
      return KeyError(
          key, absl::StrCat(Quoted(entry->value), " is no list of numbers"));
    }
  }
  return values;
}

absl::StatusOr<int> DarknetSection::IntOr(absl::string_view key,
                                          int otherwise) const {
  if (!Has(key)) return otherwise;
  return Int(key);
}

absl::StatusOr<float> DarknetSection::FloatOr(absl::string_view key,
                                              float otherwise) const {
  const Entry* entry = Find(key);
  if (entry == nullptr) return otherwise;
  float value;
  if (!ParseFloat(entry->value, &value)) {
    return KeyError(key, absl::StrCat(Quoted(entry->value), " is no number"));
  }
  return value;
}

absl::StatusOr<bool> DarknetSection::BoolOr(absl::string_view key,
                                            bool otherwise) const {
  YOLOQ_ASSIGN_OR_RETURN(const int value, IntOr(key, otherwise));
  if (value != 0 && value != 1) {
    return KeyError(key, absl::StrCat(value, " must be 0 or 1"));
  }
  return value == 1;
}

absl::Status DarknetSection::CheckKeys(
    absl::Span<const absl::string_view> used,
    absl::Span<const absl::string_view> ignored,
    absl::Span<const NeutralKey> neutral) const {
  const auto contains = [](absl::Span<const absl::string_view> keys,
                           absl::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const Entry& entry : entries_) {
    if (contains(used, entry.key) || contains(ignored, entry.key)) continue;
    const auto at = std::find_if(
        neutral.begin(), neutral.end(),
        [&](const NeutralKey& known) { return known.key == entry.key; });
    if (at == neutral.end()) {
      return ErrorAt(entry.line,
                     absl::StrCat("unknown key ", Quoted(entry.key)));
    }
    if (entry.value != at->value) {
      return KeyError(entry.key,
                      absl::StrCat(Quoted(entry.value),
                                   " is not supported, only ", at->value));
    }
  }
  return absl::OkStatus();
}

absl::Status DarknetSection::Error(absl::string_view message) const {
  return ErrorAt(line_, message);
}

absl::Status DarknetSection::KeyError(absl::string_view key,
                                      absl::string_view message) const {
  const Entry* entry = Find(key);
  return ErrorAt(entry == nullptr ? line_ : entry->line,
                 absl::StrCat(key, ": ", message));
}

absl::Status DarknetSection::ErrorAt(int line,
                                     absl::string_view message) const {
  return absl::InvalidArgumentError(
      absl::StrCat(file_, ":", line, ": [", name_, "] ", message));
}

absl::StatusOr<std::vector<DarknetSection>> ParseDarknetSections(
    absl::string_view text, absl::string_view file) {
  std::vector<DarknetSection> sections;
  int number = 0;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const std::string line = WithoutBlanksAndComment(raw);
    if (line.empty()) continue;
    if (line.size() > 2 && line.front() == '[' && line.back() == ']') {
      sections.emplace_back(std::string(file),
                            absl::CHexEscape(line.substr(1, line.size() - 2)),
                            number);
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == 0 || equals == std::string::npos || line.front() == '[') {
      return absl::InvalidArgumentError(
          absl::StrCat(file, ":", number, ": ", Quoted(line),
                       " is neither a [section] nor key=value"));
    }
    if (sections.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          file, ":", number, ": ", Quoted(line),
          " stands before the first section; a network begins with [net]"));
    }
    YOLOQ_RETURN_IF_ERROR(sections.back().Add(line.substr(0, equals),
                                              line.substr(equals + 1), number));
  }
  return sections;
}

}  // namespace yoloq
