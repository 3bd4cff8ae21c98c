#include "eval/synthetic_drawing.h"

#include <utility>

namespace yoloq {
namespace {

constexpr Ink kP = Ink::kPrimary;
constexpr Ink kS = Ink::kSecondary;
constexpr Ink kA = Ink::kAccent;
constexpr Ink kD = Ink::kDark;
constexpr Ink kL = Ink::kLight;

DrawingShape Ellipse(Ink ink, double x0, double y0, double x1, double y1) {
  return {DrawingShape::Kind::kEllipse, ink, {{x0, y0}, {x1, y1}}, 0};
}

DrawingShape Ring(Ink ink, double x0, double y0, double x1, double y1,
                  double thickness) {
  return {DrawingShape::Kind::kRing, ink, {{x0, y0}, {x1, y1}}, thickness};
}

DrawingShape Polygon(Ink ink, std::vector<DrawingPoint> points) {
  return {DrawingShape::Kind::kPolygon, ink, std::move(points), 0};
}

DrawingShape Rectangle(Ink ink, double x0, double y0, double x1, double y1) {
  return Polygon(ink, {{x0, y0}, {x1, y0}, {x1, y1}, {x0, y1}});
}

DrawingShape Line(Ink ink, double x0, double y0, double x1, double y1,
                  double thickness) {
  return {DrawingShape::Kind::kLine, ink, {{x0, y0}, {x1, y1}}, thickness};
}

constexpr ColourRange kAnyPaint = {0, 180, 45, 100, 40, 100};
constexpr ColourRange kMetal = {210, 40, 0, 25, 55, 95};
constexpr ColourRange kWood = {28, 14, 40, 85, 30, 75};
constexpr ColourRange kFur = {28, 16, 10, 75, 25, 90};
constexpr ColourRange kWhitish = {45, 30, 0, 18, 75, 100};
constexpr ColourRange kBlackish = {220, 100, 0, 30, 8, 35};
constexpr ColourRange kLeaves = {115, 35, 45, 95, 30, 75};
constexpr ColourRange kCloth = {0, 180, 25, 90, 25, 90};

ClassDrawing Aeroplane() {
  return {2.2,
          kMetal,
          kAnyPaint,
          Texture::kPlain,
          {Polygon(kS, {{.42, .5}, {.58, .5}, {.40, .04}, {.30, .04}}),
           Ellipse(kP, 0, .36, 1, .64),
           Polygon(kS, {{.42, .5}, {.62, .5}, {.38, 1}, {.27, 1}}),
           Polygon(kS, {{.02, .46}, {.17, .44}, {.07, .12}, {0, .12}}),
           Line(kD, .30, .46, .84, .46, .05)}};
}

ClassDrawing Bicycle() {
  return {1.6,
          kAnyPaint,
          kBlackish,
          Texture::kPlain,
          {Ring(kD, 0, .36, .42, 1, .18), Ring(kD, .58, .36, 1, 1, .18),
           Line(kP, .21, .68, .40, .28, .07), Line(kP, .40, .30, .72, .30, .07),
           Line(kP, .70, .24, .79, .68, .07), Line(kP, .40, .30, .50, .70, .07),
           Line(kP, .50, .70, .72, .30, .07), Line(kP, .21, .68, .50, .70, .07),
           Line(kD, .70, .26, .67, .06, .06), Line(kD, .67, .06, .80, .04, .06),
           Line(kD, .34, .22, .48, .22, .09)}};
}

ClassDrawing Bird() {
  return {1.45,
          {0, 180, 30, 95, 35, 95},
          kFur,
          Texture::kPlain,
          {Polygon(kS, {{0, .30}, {.24, .46}, {.26, .64}, {.02, .52}}),
           Line(kD, .44, .76, .42, 1, .05), Line(kD, .55, .76, .56, 1, .05),
           Ellipse(kP, .14, .34, .80, .82), Ellipse(kP, .64, .10, .93, .50),
           Polygon(kA, {{.91, .24}, {1, .32}, {.90, .38}}),
           Ellipse(kS, .28, .42, .64, .70), Ellipse(kD, .78, .20, .84, .29)}};
}

ClassDrawing Boat() {
  return {1.35,
          kAnyPaint,
          kWhitish,
          Texture::kBands,
          {Line(kD, .5, .68, .5, 0, .05),
           Polygon(kS, {{.54, .04}, {.54, .60}, {.93, .60}}),
           Polygon(kS, {{.46, .14}, {.46, .60}, {.16, .60}}),
           Polygon(kP, {{0, .66}, {1, .66}, {.82, 1}, {.18, 1}}),
           Line(kL, .06, .72, .94, .72, .05)}};
}

ClassDrawing Bottle() {
  return {
      .38,
      {120, 70, 35, 95, 20, 75},
      kWhitish,
      Texture::kPlain,
      {Rectangle(kP, .36, .06, .64, .32),
       Polygon(kP, {{.36, .24}, {.64, .24}, {.92, .44}, {.08, .44}}),
       Rectangle(kP, .08, .42, .92, 1), Rectangle(kA, .32, 0, .68, .08),
       Rectangle(kS, .08, .56, .92, .82), Line(kL, .22, .48, .22, .96, .02)}};
}

ClassDrawing Bus() {
  return {1.9,
          kAnyPaint,
          kWhitish,
          Texture::kPlain,
          {Ellipse(kD, .12, .72, .30, 1), Ellipse(kD, .70, .72, .88, 1),
           Rectangle(kP, 0, .04, 1, .86), Rectangle(kS, 0, .58, 1, .68),
           Rectangle(kD, .04, .16, .22, .48), Rectangle(kD, .27, .16, .45, .48),
           Rectangle(kD, .50, .16, .68, .48), Rectangle(kL, .74, .16, .96, .54),
           Ellipse(kD, .12, .72, .30, 1), Ellipse(kD, .70, .72, .88, 1)}};
}

ClassDrawing Car() {
  return {2.0,
          kAnyPaint,
          kMetal,
          Texture::kPlain,
          {Polygon(kP, {{.26, .06}, {.68, .06}, {.84, .48}, {.12, .48}}),
           Polygon(kD, {{.29, .15}, {.46, .15}, {.46, .44}, {.20, .44}}),
           Polygon(kD, {{.51, .15}, {.65, .15}, {.76, .44}, {.51, .44}}),
           Rectangle(kP, 0, .44, 1, .84), Ellipse(kD, .11, .64, .33, 1),
           Ellipse(kD, .67, .64, .89, 1), Ellipse(kS, .17, .74, .27, .90),
           Ellipse(kS, .73, .74, .83, .90), Rectangle(kA, .94, .50, 1, .62)}};
}

ClassDrawing Cat() {
  return {.9,
          kFur,
          kWhitish,
          Texture::kStripes,
          {Line(kP, .80, .90, .96, .44, .10), Ellipse(kP, .22, .40, .88, 1),
           Polygon(kP, {{.06, .34}, {.08, 0}, {.30, .16}}),
           Polygon(kP, {{.34, .16}, {.54, 0}, {.56, .34}}),
           Ellipse(kP, .04, .10, .58, .62), Ellipse(kS, .20, .40, .42, .58),
           Ellipse(kA, .14, .26, .25, .37), Ellipse(kA, .37, .26, .48, .37),
           Ellipse(kS, .38, .62, .62, .98)}};
}

ClassDrawing Chair() {
  return {.7,
          kWood,
          kCloth,
          Texture::kPlain,
          {Rectangle(kP, .06, 0, .20, 1), Rectangle(kP, .06, .06, .62, .14),
           Rectangle(kP, .06, .22, .62, .30), Rectangle(kP, .52, 0, .64, .56),
           Rectangle(kP, .84, .56, .96, 1), Rectangle(kP, .42, .60, .50, .92),
           Polygon(kS, {{.06, .50}, {.72, .50}, {1, .62}, {.12, .62}})}};
}

ClassDrawing Cow() {
  return {1.5,
          kWhitish,
          kBlackish,
          Texture::kSpots,
          {Line(kP, .12, .28, .03, .74, .06), Rectangle(kP, .14, .58, .24, 1),
           Rectangle(kP, .28, .60, .37, .98), Rectangle(kP, .58, .60, .67, .98),
           Rectangle(kP, .71, .58, .81, 1), Rectangle(kP, .12, .20, .82, .68),
           Ellipse(kS, .20, .20, .42, .52), Ellipse(kS, .50, .34, .74, .66),
           Line(kL, .80, .16, .74, 0, .06), Line(kL, .93, .16, .99, 0, .06),
           Ellipse(kP, .74, .10, 1, .52), Ellipse(kA, .82, .36, 1, .52)}};
}

ClassDrawing DiningTable() {
  return {1.8,
          kWood,
          kAnyPaint,
          Texture::kBands,
          {Rectangle(kP, .06, .40, .15, 1), Rectangle(kP, .85, .40, .94, 1),
           Rectangle(kP, .26, .40, .32, .86), Rectangle(kP, .68, .40, .74, .86),
           Ellipse(kS, .36, 0, .60, .34), Ellipse(kL, .66, .10, .88, .30),
           Polygon(kP, {{.08, .24}, {.92, .24}, {1, .44}, {0, .44}})}};
}

ClassDrawing Dog() {
  return {1.25,
          kFur,
          kFur,
          Texture::kPlain,
          {Line(kP, .14, .46, .02, .10, .09), Rectangle(kP, .14, .60, .24, 1),
           Rectangle(kP, .28, .62, .37, .98), Rectangle(kP, .56, .62, .65, .98),
           Rectangle(kP, .68, .60, .78, 1), Ellipse(kP, .08, .34, .82, .78),
           Ellipse(kP, .62, .08, .94, .52), Rectangle(kP, .84, .24, 1, .44),
           Ellipse(kD, .94, .22, 1, .32), Ellipse(kS, .60, .10, .73, .52),
           Ellipse(kD, .78, .18, .84, .26)}};
}

ClassDrawing Horse() {
  return {1.2,
          kFur,
          kBlackish,
          Texture::kPlain,
          {Polygon(kS, {{.14, .40}, {.18, .48}, {.06, .88}, {0, .84}}),
           Rectangle(kP, .15, .55, .23, 1), Rectangle(kP, .27, .58, .34, .97),
           Rectangle(kP, .56, .58, .63, .97), Rectangle(kP, .67, .55, .75, 1),
           Ellipse(kP, .11, .34, .78, .68),
           Polygon(kP, {{.56, .44}, {.76, .56}, {.92, .18}, {.78, .06}}),
           Polygon(kP, {{.76, .04}, {.88, .02}, {1, .28}, {.90, .36}}),
           Line(kS, .58, .38, .78, .04, .08)}};
}

ClassDrawing Motorbike() {
  return {1.65,
          kAnyPaint,
          kMetal,
          Texture::kPlain,
          {Ellipse(kD, 0, .46, .37, 1), Ellipse(kD, .63, .46, 1, 1),
           Ellipse(kS, .09, .60, .28, .86), Ellipse(kS, .72, .60, .91, .86),
           Line(kS, .70, .26, .82, .74, .08),
           Polygon(kP, {{.18, .42}, {.70, .34}, {.70, .64}, {.32, .78}}),
           Ellipse(kP, .40, .20, .74, .52), Rectangle(kD, .08, .28, .42, .42),
           Line(kD, .68, .36, .76, .04, .06), Line(kS, .20, .80, .60, .80, .08),
           Ellipse(kA, .74, .18, .86, .36)}};
}

ClassDrawing Person() {
  return {.42,
          kCloth,
          kCloth,
          Texture::kPlain,
          {Line(kP, .24, .22, .06, .54, .06), Line(kP, .76, .22, .94, .54, .06),
           Rectangle(kS, .22, .52, .47, 1), Rectangle(kS, .53, .52, .78, 1),
           Rectangle(kP, .18, .17, .82, .56), Ellipse(kL, .28, .01, .72, .18),
           Ellipse(kD, .27, 0, .73, .08)}};
}

ClassDrawing PottedPlant() {
  return {.72,
          kLeaves,
          {18, 12, 50, 90, 40, 80},
          Texture::kPlain,
          {Ellipse(kP, .30, 0, .70, .60), Ellipse(kP, 0, .14, .48, .58),
           Ellipse(kP, .52, .14, 1, .58), Line(kD, .5, .20, .5, .64, .03),
           Line(kD, .5, .56, .20, .34, .03), Line(kD, .5, .56, .80, .34, .03),
           Polygon(kS, {{.20, .66}, {.80, .66}, {.70, 1}, {.30, 1}}),
           Rectangle(kS, .15, .60, .85, .70)}};
}

ClassDrawing Sheep() {
  return {1.3,
          kWhitish,
          kBlackish,
          Texture::kPlain,
          {Rectangle(kS, .20, .64, .28, 1), Rectangle(kS, .34, .66, .41, .98),
           Rectangle(kS, .56, .66, .63, .98), Rectangle(kS, .69, .64, .77, 1),
           Ellipse(kP, .06, .20, .44, .72), Ellipse(kP, .26, .10, .64, .60),
           Ellipse(kP, .46, .16, .86, .72), Ellipse(kP, .16, .34, .56, .82),
           Ellipse(kP, .40, .36, .80, .82), Ellipse(kS, .74, .18, 1, .58),
           Ellipse(kP, .74, .10, .92, .30)}};
}

ClassDrawing Sofa() {
  return {1.9,
          kCloth,
          kCloth,
          Texture::kChecks,
          {Rectangle(kD, .06, .88, .14, 1), Rectangle(kD, .86, .88, .94, 1),
           Rectangle(kP, .08, .06, .92, .62), Rectangle(kP, .08, .56, .92, .92),
           Rectangle(kS, .14, .46, .49, .66), Rectangle(kS, .51, .46, .86, .66),
           Rectangle(kP, 0, .34, .14, .92), Rectangle(kP, .86, .34, 1, .92),
           Line(kD, .5, .12, .5, .46, .03)}};
}

ClassDrawing Train() {
  return {2.6,
          kAnyPaint,
          kAnyPaint,
          Texture::kPlain,
          {Rectangle(kD, .06, .04, .82, .20),
           Polygon(kP, {{0, .16}, {.84, .16}, {1, .56}, {1, .84}, {0, .84}}),
           Rectangle(kS, 0, .54, .99, .66), Rectangle(kL, .04, .26, .15, .46),
           Rectangle(kL, .20, .26, .31, .46), Rectangle(kL, .36, .26, .47, .46),
           Rectangle(kL, .52, .26, .63, .46),
           Polygon(kD, {{.74, .24}, {.86, .24}, {.93, .48}, {.74, .48}}),
           Ellipse(kD, .04, .76, .13, 1), Ellipse(kD, .17, .76, .26, 1),
           Ellipse(kD, .44, .76, .53, 1), Ellipse(kD, .72, .76, .81, 1),
           Ellipse(kD, .85, .76, .94, 1)}};
}

ClassDrawing TvMonitor() {
  return {1.25,
          kBlackish,
          {205, 60, 20, 90, 55, 100},
          Texture::kPlain,
          {Rectangle(kP, .42, .74, .58, .94), Rectangle(kP, .24, .90, .76, 1),
           Rectangle(kP, 0, 0, 1, .78), Rectangle(kS, .06, .07, .94, .70),
           Polygon(kL, {{.10, .10}, {.38, .10}, {.18, .62}, {.10, .62}}),
           Ellipse(kA, .90, .72, .95, .76)}};
}

}  // namespace

const std::vector<ClassDrawing>& ClassDrawings() {
  static const auto& drawings = *new std::vector<ClassDrawing>{
      Aeroplane(),   Bicycle(), Bird(),  Boat(),      Bottle(),
      Bus(),         Car(),     Cat(),   Chair(),     Cow(),
      DiningTable(), Dog(),     Horse(), Motorbike(), Person(),
      PottedPlant(), Sheep(),   Sofa(),  Train(),     TvMonitor()};
  return drawings;
}

}  // namespace yoloq
