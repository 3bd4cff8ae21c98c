#include "reports/paper_network.h"

#include "reports/published.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace {

// Counted by hand from the layer table of YOLOv3: each convolution has
// out * in * k * k weights and 2 * out batch norm parameters; the three output
// convolutions have out biases instead.
TEST(PaperNetworkTest, CountsTheParts) {
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PublishedPaper paper, LoadPublished());
  YOLOQ_ASSERT_OK_AND_ASSIGN(const PartParameters parameters,
                             PaperNetworkParameters(paper.conditions()));
  EXPECT_EQ(parameters.backbone, 40584928);
  EXPECT_EQ(parameters.neck, 14709760);
  EXPECT_EQ(parameters.head, 6331361);
  EXPECT_EQ(parameters.total(), 61626049);
}

TEST(PaperNetworkTest, ImpossibleConditionsAreAnError) {
  PublishedConditions conditions;
  conditions.set_classes(20);
  conditions.set_input_size(417);
  EXPECT_THAT(PaperNetworkParameters(conditions),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("417")));
}

}  // namespace
}  // namespace yoloq
