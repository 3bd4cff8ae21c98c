#include "eval/synthetic_render.h"

#include "eval/voc.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace yoloq {
namespace {

Colour Rgb(int r, int g, int b) { return {r, g, b}; }

void ExpectColour(const Colour& a, const Colour& b) {
  EXPECT_EQ(a.r, b.r);
  EXPECT_EQ(a.g, b.g);
  EXPECT_EQ(a.b, b.b);
}

TEST(FromHsvTest, KnowsTheCornersOfTheWheel) {
  ExpectColour(FromHsv(0, 100, 100), Rgb(255, 0, 0));
  ExpectColour(FromHsv(60, 100, 100), Rgb(255, 255, 0));
  ExpectColour(FromHsv(120, 100, 100), Rgb(0, 255, 0));
  ExpectColour(FromHsv(180, 100, 100), Rgb(0, 255, 255));
  ExpectColour(FromHsv(240, 100, 100), Rgb(0, 0, 255));
  ExpectColour(FromHsv(300, 100, 100), Rgb(255, 0, 255));
  ExpectColour(FromHsv(-60, 100, 100), Rgb(255, 0, 255));
  ExpectColour(FromHsv(17, 0, 40), Rgb(102, 102, 102));
}

TEST(ClassDrawingsTest, HasOneForEveryClassWithinItsBox) {
  ASSERT_EQ(ClassDrawings().size(), VocClassNames().size());
  for (const ClassDrawing& drawing : ClassDrawings()) {
    EXPECT_GT(drawing.aspect, 0);
    EXPECT_GE(drawing.shapes.size(), 5);
    double left = 1, right = 0, top = 1, bottom = 0;
    for (const DrawingShape& shape : drawing.shapes) {
      EXPECT_GE(shape.points.size(), 2);
      for (const DrawingPoint& p : shape.points) {
        left = std::min(left, p.x);
        right = std::max(right, p.x);
        top = std::min(top, p.y);
        bottom = std::max(bottom, p.y);
      }
    }
    // The box is used, and not left.
    EXPECT_GE(left, 0);
    EXPECT_LE(left, 0.12);
    EXPECT_LE(right, 1);
    EXPECT_GE(right, 0.88);
    EXPECT_GE(top, 0);
    EXPECT_LE(top, 0.12);
    EXPECT_EQ(bottom, 1);
  }
}

ObjectLook One(DrawingShape shape) {
  ObjectLook look;
  look.shapes = {std::move(shape)};
  look.inks.fill(Rgb(200, 100, 50));
  return look;
}

int Covered(const Layer& layer) {
  int count = 0;
  for (const uint8_t alpha : layer.alpha) count += alpha >= 128;
  return count;
}

const DrawingShape kWhole = {DrawingShape::Kind::kPolygon,
                             Ink::kAccent,
                             {{0, 0}, {1, 0}, {1, 1}, {0, 1}},
                             0};

TEST(RenderObjectTest, FillsARectangleExactly) {
  const Layer layer = RenderObject(One(kWhole), {10, 20, 8, 6, 0, false});
  EXPECT_EQ(Covered(layer), 8 * 6);
  for (int y = 0; y < layer.height; ++y) {
    for (int x = 0; x < layer.width; ++x) {
      const int px = layer.left + x;
      const int py = layer.top + y;
      const bool inside = px >= 6 && px < 14 && py >= 17 && py < 23;
      ASSERT_EQ(layer.alpha[y * layer.width + x], inside ? 255 : 0);
      EXPECT_EQ(layer.rgb[3 * (y * layer.width + x)], inside ? 200 : 0);
    }
  }
}

TEST(RenderObjectTest, HalfAPixelIsHalfCovered) {
  // From 0 to 4.5: with three samples, one of them in the last half.
  const Layer layer = RenderObject(One(kWhole), {2.25, 2, 4.5, 4, 0, false});
  EXPECT_EQ(layer.alpha[(2 - layer.top) * layer.width + 4 - layer.left], 85);
}

TEST(RenderObjectTest, HasTheAreaOfEachShape) {
  const ObjectPose pose = {50, 50, 80, 60, 0, false};
  DrawingShape shape = {
      DrawingShape::Kind::kEllipse, Ink::kAccent, {{0, 0}, {1, 1}}, 0};
  EXPECT_NEAR(Covered(RenderObject(One(shape), pose)), 3.1416 * 40 * 30, 30);
  shape.kind = DrawingShape::Kind::kRing;
  shape.thickness = 0.5;
  EXPECT_NEAR(Covered(RenderObject(One(shape), pose)), 3.1416 * 40 * 30 * 0.75,
              30);
  shape = {DrawingShape::Kind::kPolygon,
           Ink::kAccent,
           {{0, 1}, {1, 1}, {0.5, 0}},
           0};
  EXPECT_NEAR(Covered(RenderObject(One(shape), pose)), 80 * 60 / 2, 30);
  // A line of 40 pixels, 6 thick, with round ends.
  shape = {
      DrawingShape::Kind::kLine, Ink::kAccent, {{0.25, 0.5}, {0.75, 0.5}}, 0.1};
  EXPECT_NEAR(Covered(RenderObject(One(shape), pose)), 40 * 6 + 3.1416 * 9, 12);
}

TEST(RenderObjectTest, TurnsAndMirrors) {
  // The left half, mirrored: the right half.
  const DrawingShape left = {DrawingShape::Kind::kPolygon,
                             Ink::kAccent,
                             {{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}},
                             0};
  const Layer mirrored = RenderObject(One(left), {10, 10, 8, 8, 0, true});
  const int row = (10 - mirrored.top) * mirrored.width;
  EXPECT_EQ(mirrored.alpha[row + 8 - mirrored.left], 0);
  EXPECT_EQ(mirrored.alpha[row + 12 - mirrored.left], 255);
  // A quarter turn (tan 45 degrees = 1) clockwise takes it to the top.
  const Layer turned = RenderObject(One(left), {10, 10, 8, 8, 1, false});
  EXPECT_EQ(turned.alpha[(8 - turned.top) * turned.width + 10 - turned.left],
            255);
  EXPECT_EQ(turned.alpha[(12 - turned.top) * turned.width + 10 - turned.left],
            0);
}

TEST(DrawLookTest, IndividualsDiffer) {
  Random random(1);
  const ObjectLook a = DrawLook(ClassDrawings()[6], 1, &random);
  const ObjectLook b = DrawLook(ClassDrawings()[6], 1, &random);
  EXPECT_NE(a.shapes[0].points[0].x, b.shapes[0].points[0].x);
  EXPECT_NE(a.inks[0].r * 65536 + a.inks[0].g * 256 + a.inks[0].b,
            b.inks[0].r * 65536 + b.inks[0].g * 256 + b.inks[0].b);
}

}  // namespace
}  // namespace yoloq
