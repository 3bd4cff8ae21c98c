#include "reports/markdown_table.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace yoloq {
namespace {

// Code points of UTF-8 text: all bytes but continuation bytes.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](unsigned char c) { return (c & 0xC0) != 0x80; });
}

std::string Escape(const std::string& cell) {
  return absl::StrReplaceAll(cell, {{"|", "\\|"}, {"\n", " "}, {"\r", ""}});
}

std::string Pad(const std::string& cell, size_t width,
                MarkdownTable::Align align) {
  const std::string blanks(width - Width(cell), ' ');
  return align == MarkdownTable::Align::kRight ? absl::StrCat(blanks, cell)
                                               : absl::StrCat(cell, blanks);
}

}  // namespace

MarkdownTable::MarkdownTable(std::vector<Column> columns)
    : columns_(std::move(columns)) {
  for (Column& column : columns_) column.title = Escape(column.title);
}

void MarkdownTable::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) cell = Escape(cell);
  rows_.push_back(std::move(cells));
}

std::string MarkdownTable::Render() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns_.size(); ++c) {
    size_t width = std::max<size_t>(3, Width(columns_[c].title));
    for (const auto& row : rows_) width = std::max(width, Width(row[c]));
    widths.push_back(width);
  }
  std::string text;
  for (size_t c = 0; c < columns_.size(); ++c) {
    absl::StrAppend(&text, "| ",
                    Pad(columns_[c].title, widths[c], columns_[c].align), " ");
  }
  text += "|\n";
  for (size_t c = 0; c < columns_.size(); ++c) {
    const bool right = columns_[c].align == Align::kRight;
    absl::StrAppend(&text, "|", std::string(widths[c] + 1, '-'),
                    right ? ":" : "-");
  }
  text += "|\n";
  for (const auto& row : rows_) {
    for (size_t c = 0; c < columns_.size(); ++c) {
      absl::StrAppend(&text, "| ", Pad(row[c], widths[c], columns_[c].align),
                      " ");
    }
    text += "|\n";
  }
  return text;
}

}  // namespace yoloq
