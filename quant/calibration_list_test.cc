#include "quant/calibration_list.h"

#include <map>
#include <set>

#include "tools/base/testing.h"

namespace yoloq {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Ids(int count) {
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) ids.push_back(std::to_string(i));
  return ids;
}

QuantizationSpec Spec(int images, uint64_t seed) {
  QuantizationSpec spec;
  spec.set_calibration_images(images);
  spec.set_calibration_seed(seed);
  return spec;
}

TEST(DrawCalibrationIdsTest, IsTheSameOnEveryPlatform) {
  // By an independent implementation of MT19937-64 and the shuffle (Python).
  EXPECT_THAT(DrawCalibrationIds(Ids(10), Spec(5, 1)),
              ElementsAre("8", "7", "4", "0", "2"));
}

TEST(DrawCalibrationIdsTest, DrawsWithoutReplacement) {
  const auto drawn = DrawCalibrationIds(Ids(1000), Spec(600, 3));
  EXPECT_EQ(drawn.size(), 600);
  EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), 600);
}

TEST(DrawCalibrationIdsTest, SeedsDiffer) {
  EXPECT_NE(DrawCalibrationIds(Ids(100), Spec(50, 1)),
            DrawCalibrationIds(Ids(100), Spec(50, 2)));
  EXPECT_EQ(DrawCalibrationIds(Ids(100), Spec(50, 2)),
            DrawCalibrationIds(Ids(100), Spec(50, 2)));
}

TEST(DrawCalibrationIdsTest, TakesAllWhenThereAreFewer) {
  const auto drawn = DrawCalibrationIds(Ids(7), Spec(2000, 1));
  EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), 7);
  EXPECT_THAT(DrawCalibrationIds({}, Spec(2000, 1)), IsEmpty());
}

TEST(DrawCalibrationIdsTest, EveryIdIsAsLikely) {
  std::map<std::string, int> count;
  for (int seed = 0; seed < 4000; ++seed) {
    for (const auto& id : DrawCalibrationIds(Ids(8), Spec(2, seed))) {
      ++count[id];
    }
  }
  // 1,000 expected, standard deviation 27.
  for (const auto& [id, times] : count) EXPECT_NEAR(times, 1000, 140) << id;
}

}  // namespace
}  // namespace yoloq
