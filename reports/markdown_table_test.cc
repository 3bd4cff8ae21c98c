#include "reports/markdown_table.h"

#include "tools/base/testing.h"

namespace yoloq {
namespace {

TEST(MarkdownTableTest, AlignsItsColumns) {
  MarkdownTable table({{"Method"}, {"FPS", MarkdownTable::Align::kRight}});
  table.AddRow({"Baseline", "0.08"});
  table.AddRow({"PTQ", "10.15"});
  EXPECT_EQ(table.Render(),
            "| Method   |   FPS |\n"
            "|----------|------:|\n"
            "| Baseline |  0.08 |\n"
            "| PTQ      | 10.15 |\n");
}

TEST(MarkdownTableTest, ShortRowsAreFilled) {
  MarkdownTable table({{"A"}, {"B"}});
  EXPECT_TRUE(table.empty());
  table.AddRow({"1"});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.Render(),
            "| A   | B   |\n"
            "|-----|-----|\n"
            "| 1   |     |\n");
}

TEST(MarkdownTableTest, CellsCannotBreakTheTable) {
  MarkdownTable table({{"A|B"}});
  table.AddRow({"x|y\nz"});
  EXPECT_EQ(table.Render(),
            "| A\\|B   |\n"
            "|--------|\n"
            "| x\\|y z |\n");
}

TEST(MarkdownTableTest, WidthIsInCodePoints) {
  MarkdownTable table({{"A"}});
  table.AddRow(
      {"\xC2\xB1"
       "10"});
  table.AddRow({"1000"});
  EXPECT_EQ(table.Render(),
            "| A    |\n"
            "|------|\n"
            "| \xC2\xB1"
            "10  |\n"
            "| 1000 |\n");
}

}  // namespace
}  // namespace yoloq
