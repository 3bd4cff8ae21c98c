#include "model/description.h"

#include <algorithm>
#include <string>

#include "model/yolov3.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::HasSubstr;

TEST(MeasureNetworkTest, PartsAddUpToTheWhole) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({}));
  NetworkSize sum = MeasureNetwork(graph, BACKBONE);
  sum += MeasureNetwork(graph, NECK);
  sum += MeasureNetwork(graph, HEAD);
  const NetworkSize whole = MeasureNetwork(graph, PART_UNSPECIFIED);
  EXPECT_EQ(sum.convolutions, 75);
  EXPECT_EQ(whole.convolutions, 75);
  EXPECT_EQ(sum.parameters, 61'626'049);
  EXPECT_EQ(sum.multiply_accumulates, whole.multiply_accumulates);
  EXPECT_EQ(sum.fp32_bytes, whole.fp32_bytes);
  EXPECT_EQ(sum.int8_bytes, whole.int8_bytes);
  // 246.5 MB and 62 MB, 74.8 % less.
  EXPECT_NEAR(whole.fp32_bytes, 246.5e6, 0.2e6);
  EXPECT_NEAR(whole.int8_bytes, 61.7e6, 0.1e6);
}

TEST(DescribeTest, Golden) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({}));
  EXPECT_EQ(
      DescribeParts(graph),
      R"(| Part     | Convolutions | Parameters |    Share | Multiply-accumulates |    Share |  FP32 bytes | INT8 bytes |
|----------|-------------:|-----------:|---------:|---------------------:|---------:|------------:|-----------:|
| backbone |           52 | 40,584,928 |  65.86 % |       24,515,805,184 |  74.94 % | 162,268,288 | 40,620,640 |
| neck     |           17 | 14,709,760 |  23.87 % |        5,715,001,344 |  17.47 % |  58,812,416 | 14,723,072 |
| head     |            6 |  6,331,361 |  10.27 % |        2,483,180,544 |   7.59 % |  25,318,276 |  6,335,620 |
| total    |           75 | 61,626,049 | 100.00 % |       32,713,987,072 | 100.00 % | 246,398,980 | 61,679,332 |
)");
}

TEST(DescribeTest, ListsEveryNode) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const Graph graph, BuildYolov3({}));
  const std::string text = DescribeNodes(graph);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), graph.nodes_size() + 2);
  EXPECT_THAT(text, HasSubstr("| conv 3x3/2 bn leaky "));
  EXPECT_THAT(text, HasSubstr("| upsample_85, add_61 "));
}

}  // namespace
}  // namespace yoloq
