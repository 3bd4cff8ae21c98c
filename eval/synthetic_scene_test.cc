#include "eval/synthetic_scene.h"

#include <array>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tools/base/digest.h"

namespace yoloq {
namespace {

std::vector<Scene> Scenes(int count) {
  std::vector<Scene> scenes;
  for (int i = 0; i < count; ++i) {
    Random random(4, i);
    scenes.push_back(MakeScene(SceneOptions(), &random));
  }
  return scenes;
}

std::string PixelDigest(const Picture& picture) {
  Sha256 digest;
  digest.Update(picture.rgb.data(), picture.rgb.size());
  return digest.Finish();
}

TEST(MakeSceneTest, SameRandomNumbersSameScene) {
  Random a(4, 7), b(4, 7), c(4, 8);
  const std::string first = PixelDigest(MakeScene({}, &a).picture);
  EXPECT_EQ(first, PixelDigest(MakeScene({}, &b).picture));
  EXPECT_NE(first, PixelDigest(MakeScene({}, &c).picture));
}

// Recorded once: a change of the scenes, or a platform that draws others, shows
// here. After a change that is meant, take over the new digest.
TEST(MakeSceneTest, DrawsTheRecordedScene) {
  Random random(1, 0);
  EXPECT_EQ(PixelDigest(MakeScene({}, &random).picture),
            "fec11c55e02bd6398bc9cf0ffd15735f98e70b366f9d4d3eafd3184eb938b477");
}

TEST(MakeSceneTest, KeepsTheSidesInRange) {
  for (int i = 0; i < 20; ++i) {
    Random random(2, i);
    const Scene scene = MakeScene({40, 60, 0.5}, &random);
    EXPECT_GE(scene.picture.width, 40);
    EXPECT_LE(scene.picture.width, 60);
    EXPECT_GE(scene.picture.height, 40);
    EXPECT_LE(scene.picture.height, 60);
    EXPECT_EQ(scene.picture.rgb.size(),
              3 * scene.picture.width * scene.picture.height);
  }
}

TEST(MakeSceneTest, BoxesLieInThePicture) {
  for (const Scene& scene : Scenes(50)) {
    ASSERT_FALSE(scene.objects.empty());
    for (const SceneObject& object : scene.objects) {
      const Box& box = object.truth.box;
      EXPECT_GE(box.left, 1);
      EXPECT_GE(box.top, 1);
      EXPECT_LE(box.left, box.right);
      EXPECT_LE(box.top, box.bottom);
      EXPECT_LE(box.right, scene.picture.width);
      EXPECT_LE(box.bottom, scene.picture.height);
    }
  }
}

// What makes it a detection problem: all classes, several objects, many scales,
// some hidden, cut off, difficult.
TEST(MakeSceneTest, IsVaried) {
  std::array<int, 20> classes = {};
  int objects = 0, several = 0, difficult = 0, truncated = 0, occluded = 0;
  int small = 0, large = 0;
  for (const Scene& scene : Scenes(200)) {
    several += scene.objects.size() > 1;
    for (const SceneObject& object : scene.objects) {
      ++objects;
      ++classes[object.truth.class_index];
      difficult += object.truth.difficult;
      truncated += object.truncated;
      occluded += object.occluded;
      const Box& box = object.truth.box;
      const float share = (box.right - box.left) * (box.bottom - box.top) /
                          (scene.picture.width * scene.picture.height);
      small += share < 0.03;
      large += share > 0.2;
    }
  }
  for (const int count : classes) EXPECT_GT(count, 8);
  EXPECT_GT(several, 100);
  EXPECT_GT(difficult, objects / 20);
  EXPECT_LT(difficult, objects / 5);
  EXPECT_GT(truncated, objects / 40);
  EXPECT_GT(occluded, objects / 20);
  EXPECT_GT(small, objects / 10);
  EXPECT_GT(large, objects / 20);
}

// The share of objects that are difficult or occluded, and how many an image
// has.
struct Hardness {
  double hidden = 0;
  double objects = 0;
  double area = 0;  // of a box, as a share of the picture
};

Hardness Measure(double difficulty) {
  constexpr int kImages = 150;
  Hardness hardness;
  SceneOptions options;
  options.difficulty = difficulty;
  for (int i = 0; i < kImages; ++i) {
    Random random(5, i);
    const Scene scene = MakeScene(options, &random);
    for (const SceneObject& object : scene.objects) {
      ++hardness.objects;
      hardness.hidden += object.truth.difficult || object.occluded;
      const Box& box = object.truth.box;
      hardness.area += (box.right - box.left) * (box.bottom - box.top) /
                       (scene.picture.width * scene.picture.height);
    }
  }
  hardness.hidden /= hardness.objects;
  hardness.area /= hardness.objects;
  hardness.objects /= kImages;
  return hardness;
}

TEST(MakeSceneTest, DifficultyHidesShrinksAndMultipliesObjects) {
  const Hardness easy = Measure(0), middle = Measure(0.5), hard = Measure(1);
  EXPECT_LT(easy.hidden, 0.8 * middle.hidden);
  EXPECT_LT(middle.hidden, 0.8 * hard.hidden);
  EXPECT_LT(easy.objects, middle.objects);
  EXPECT_LT(middle.objects, hard.objects);
  EXPECT_GT(easy.area, middle.area);
  EXPECT_GT(middle.area, hard.area);
  EXPECT_GT(easy.objects, 1.5);
  EXPECT_GT(Measure(0.2).hidden, 0.02);
}

}  // namespace
}  // namespace yoloq
