// A Markdown table whose source is aligned, so that it reads in a terminal too.
#ifndef YOLOQ_REPORTS_MARKDOWN_TABLE_H_
#define YOLOQ_REPORTS_MARKDOWN_TABLE_H_

#include <string>
#include <vector>

namespace yoloq {

class MarkdownTable {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit MarkdownTable(std::vector<Column> columns);

  // Cells from left to right; missing ones are empty. '|' is escaped and line
  // ends become spaces.
  void AddRow(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // All lines, each with its line end. Widths are counted in code points.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace yoloq

#endif  // YOLOQ_REPORTS_MARKDOWN_TABLE_H_
