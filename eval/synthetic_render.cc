#include "eval/synthetic_render.h"

#include <algorithm>
#include <cmath>

namespace yoloq {
namespace {

// Samples in each direction of a pixel.
constexpr int kSamples = 3;

// Largest deviation of a shape's points, in units of the drawing's box.
constexpr double kJitter = 0.025;

int Clamp255(double value) {
  return static_cast<int>(std::clamp(value, 0.0, 255.0));
}

// A coordinate system for a rotated, mirrored, stretched drawing.
class Frame {
 public:
  explicit Frame(const ObjectPose& pose) : pose_(pose) {
    const double t = pose.half_tilt;
    cosine_ = (1 - t * t) / (1 + t * t);
    sine_ = 2 * t / (1 + t * t);
  }

  DrawingPoint ToPicture(DrawingPoint p) const {
    const double x = (pose_.mirrored ? 0.5 - p.x : p.x - 0.5) * pose_.width;
    const double y = (p.y - 0.5) * pose_.height;
    return {pose_.center_x + x * cosine_ - y * sine_,
            pose_.center_y + x * sine_ + y * cosine_};
  }

  DrawingPoint ToDrawing(DrawingPoint p) const {
    const double dx = p.x - pose_.center_x;
    const double dy = p.y - pose_.center_y;
    const double x = (dx * cosine_ + dy * sine_) / pose_.width;
    const double y = (dy * cosine_ - dx * sine_) / pose_.height;
    return {pose_.mirrored ? 0.5 - x : x + 0.5, y + 0.5};
  }

  double aspect() const { return pose_.width / pose_.height; }

 private:
  const ObjectPose pose_;
  double cosine_;
  double sine_;
};

// Squared distance from the centre, 1 on the ellipse.
double EllipseRadius2(const DrawingShape& shape, DrawingPoint p) {
  const DrawingPoint& a = shape.points[0];
  const DrawingPoint& b = shape.points[1];
  const double x = (2 * p.x - a.x - b.x) / (b.x - a.x);
  const double y = (2 * p.y - a.y - b.y) / (b.y - a.y);
  return x * x + y * y;
}

// By the number of edges that a ray to the right crosses.
bool InPolygon(const std::vector<DrawingPoint>& points, DrawingPoint p) {
  bool inside = false;
  for (size_t i = 0, j = points.size() - 1; i < points.size(); j = i++) {
    const DrawingPoint& a = points[i];
    const DrawingPoint& b = points[j];
    if ((a.y > p.y) == (b.y > p.y)) continue;
    if (p.x < (b.x - a.x) * (p.y - a.y) / (b.y - a.y) + a.x) inside = !inside;
  }
  return inside;
}

bool OnLine(const DrawingShape& shape, DrawingPoint p, double aspect) {
  const DrawingPoint& a = shape.points[0];
  const DrawingPoint& b = shape.points[1];
  const double length_x = (b.x - a.x) * aspect;
  const double length_y = b.y - a.y;
  const double x = (p.x - a.x) * aspect;
  const double y = p.y - a.y;
  const double length2 = length_x * length_x + length_y * length_y;
  const double along =
      length2 > 0
          ? std::clamp((x * length_x + y * length_y) / length2, 0.0, 1.0)
          : 0;
  const double off_x = x - along * length_x;
  const double off_y = y - along * length_y;
  return 4 * (off_x * off_x + off_y * off_y) <=
         shape.thickness * shape.thickness;
}

bool Contains(const DrawingShape& shape, DrawingPoint p, double aspect) {
  switch (shape.kind) {
    case DrawingShape::Kind::kEllipse:
      return EllipseRadius2(shape, p) <= 1;
    case DrawingShape::Kind::kRing: {
      const double inner = 1 - shape.thickness;
      const double radius2 = EllipseRadius2(shape, p);
      return radius2 <= 1 && radius2 >= inner * inner;
    }
    case DrawingShape::Kind::kPolygon:
      return InPolygon(shape.points, p);
    case DrawingShape::Kind::kLine:
      return OnLine(shape, p, aspect);
  }
  return false;
}

int Cell(double coordinate, int cells) {
  return static_cast<int>(std::floor(coordinate * cells));
}

// Brightness at a point of the drawing, around 1.
double Brightness(const ObjectLook& look, const DrawingShape& shape,
                  DrawingPoint p, double aspect) {
  double brightness = 1 + look.light * 0.01 * (p.x - 0.5);
  if (shape.kind == DrawingShape::Kind::kEllipse) {
    brightness -= 0.15 * EllipseRadius2(shape, p);
  }
  if (shape.ink != Ink::kPrimary && shape.ink != Ink::kSecondary) {
    return brightness;
  }
  const double x = p.x * aspect;
  const int column = Cell(x, look.texture_cells);
  const int row = Cell(p.y, look.texture_cells);
  bool dark = false;
  switch (look.texture) {
    case Texture::kPlain:
      break;
    case Texture::kStripes:
      dark = column % 2 != 0;
      break;
    case Texture::kBands:
      dark = row % 2 != 0;
      break;
    case Texture::kChecks:
      dark = (column + row) % 2 != 0;
      break;
    case Texture::kSpots: {
      const double dx = x * look.texture_cells - column - 0.5;
      const double dy = p.y * look.texture_cells - row - 0.5;
      dark = dx * dx + dy * dy < 0.12;
      break;
    }
  }
  return dark ? brightness * (1 - look.texture_contrast * 0.01) : brightness;
}

// The box of points in a picture, as whole pixels.
struct PixelRange {
  int left, top, right, bottom;  // right and bottom excluded
};

PixelRange RangeOf(const std::vector<DrawingPoint>& points, double margin) {
  double left = points[0].x, right = left, top = points[0].y, bottom = top;
  for (const DrawingPoint& p : points) {
    left = std::min(left, p.x);
    right = std::max(right, p.x);
    top = std::min(top, p.y);
    bottom = std::max(bottom, p.y);
  }
  return {static_cast<int>(std::floor(left - margin)),
          static_cast<int>(std::floor(top - margin)),
          static_cast<int>(std::ceil(right + margin)),
          static_cast<int>(std::ceil(bottom + margin))};
}

// Of a rotated box in the picture.
PixelRange RangeOfBox(const Frame& frame, double x0, double y0, double x1,
                      double y1, double margin) {
  return RangeOf({frame.ToPicture({x0, y0}), frame.ToPicture({x1, y0}),
                  frame.ToPicture({x1, y1}), frame.ToPicture({x0, y1})},
                 margin);
}

PixelRange RangeOfShape(const Frame& frame, const DrawingShape& shape,
                        double height) {
  double x0 = shape.points[0].x, x1 = x0, y0 = shape.points[0].y, y1 = y0;
  for (const DrawingPoint& p : shape.points) {
    x0 = std::min(x0, p.x);
    x1 = std::max(x1, p.x);
    y0 = std::min(y0, p.y);
    y1 = std::max(y1, p.y);
  }
  const double margin =
      shape.kind == DrawingShape::Kind::kLine ? shape.thickness * height : 0;
  return RangeOfBox(frame, x0, y0, x1, y1, margin);
}

// The share of a pixel that the shape covers, in samples.
int Coverage(const Frame& frame, const DrawingShape& shape, int x, int y) {
  int count = 0;
  for (int i = 0; i < kSamples * kSamples; ++i) {
    const DrawingPoint sample = {x + (i % kSamples + 0.5) / kSamples,
                                 y + (i / kSamples + 0.5) / kSamples};
    count += Contains(shape, frame.ToDrawing(sample), frame.aspect());
  }
  return count;
}

// Paints over what is there.
void Paint(const Colour& colour, double brightness, int coverage, size_t pixel,
           Layer* layer) {
  const int alpha = 255 * coverage / (kSamples * kSamples);
  uint8_t* rgb = &layer->rgb[3 * pixel];
  const int below = layer->alpha[pixel] == 0 ? 0 : 255 - alpha;
  const int above = 255 - below;
  const std::array<int, 3> channels = {colour.r, colour.g, colour.b};
  for (int c = 0; c < 3; ++c) {
    const int value = Clamp255(channels[c] * brightness);
    rgb[c] = static_cast<uint8_t>((rgb[c] * below + value * above + 127) / 255);
  }
  layer->alpha[pixel] =
      static_cast<uint8_t>(alpha + layer->alpha[pixel] * (255 - alpha) / 255);
}

void PaintShape(const ObjectLook& look, const DrawingShape& shape,
                const Frame& frame, double height, Layer* layer) {
  const PixelRange range = RangeOfShape(frame, shape, height);
  const int right = std::min(range.right, layer->left + layer->width);
  const int bottom = std::min(range.bottom, layer->top + layer->height);
  for (int y = std::max(range.top, layer->top); y < bottom; ++y) {
    for (int x = std::max(range.left, layer->left); x < right; ++x) {
      const int coverage = Coverage(frame, shape, x, y);
      if (coverage == 0) continue;
      const double brightness = Brightness(
          look, shape, frame.ToDrawing({x + 0.5, y + 0.5}), frame.aspect());
      const size_t pixel =
          size_t(y - layer->top) * layer->width + (x - layer->left);
      Paint(look.inks[static_cast<int>(shape.ink)], brightness, coverage, pixel,
            layer);
    }
  }
}

double Jitter(Random* random) { return (2 * random->Uniform() - 1) * kJitter; }

}  // namespace

Colour FromHsv(int hue, int saturation, int value) {
  hue = (hue % 360 + 360) % 360;
  const int top = value * 255 / 100;
  const int chroma = top * saturation / 100;
  const int low = top - chroma;
  const int ramp = hue % 120;
  const int middle = low + chroma * (ramp < 60 ? ramp : 120 - ramp) / 60;
  switch (hue / 60) {
    case 0:
      return {top, middle, low};
    case 1:
      return {middle, top, low};
    case 2:
      return {low, top, middle};
    case 3:
      return {low, middle, top};
    case 4:
      return {middle, low, top};
    default:
      return {top, low, middle};
  }
}

Colour DrawColour(const ColourRange& range, Random* random) {
  const int hue = random->Between(range.hue - range.hue_spread,
                                  range.hue + range.hue_spread);
  const int saturation =
      random->Between(range.min_saturation, range.max_saturation);
  return FromHsv(hue, saturation,
                 random->Between(range.min_value, range.max_value));
}

ObjectLook DrawLook(const ClassDrawing& drawing, double variety,
                    Random* random) {
  ObjectLook look;
  look.shapes = drawing.shapes;
  for (DrawingShape& shape : look.shapes) {
    const double x = Jitter(random);
    const double y = Jitter(random);
    for (DrawingPoint& p : shape.points) {
      p.x = std::clamp(p.x + x, 0.0, 1.0);
      p.y = std::clamp(p.y + y, 0.0, 1.0);
    }
  }
  const ColourRange any = {0, 180, 20, 100, 20, 100};
  const bool unusual = random->Uniform() < variety / 6;
  look.inks[static_cast<int>(Ink::kPrimary)] =
      DrawColour(unusual ? any : drawing.primary, random);
  look.inks[static_cast<int>(Ink::kSecondary)] =
      DrawColour(unusual ? any : drawing.secondary, random);
  look.inks[static_cast<int>(Ink::kAccent)] =
      DrawColour({0, 180, 60, 100, 60, 100}, random);
  look.inks[static_cast<int>(Ink::kDark)] =
      DrawColour({220, 60, 0, 40, 8, 28}, random);
  look.inks[static_cast<int>(Ink::kLight)] =
      DrawColour({35, 20, 10, 40, 75, 98}, random);
  look.texture = random->Uniform() < variety / 2
                     ? static_cast<Texture>(random->Below(5))
                     : drawing.texture;
  look.texture_cells = random->Between(4, 12);
  look.texture_contrast = random->Between(15, 45);
  const int light = static_cast<int>(25 + 25 * variety);
  look.light = random->Between(-light, light);
  return look;
}

Layer RenderObject(const ObjectLook& look, const ObjectPose& pose) {
  const Frame frame(pose);
  const PixelRange range = RangeOfBox(frame, 0, 0, 1, 1, 1);
  Layer layer;
  layer.left = range.left;
  layer.top = range.top;
  layer.width = range.right - range.left;
  layer.height = range.bottom - range.top;
  const size_t pixels = size_t(layer.width) * layer.height;
  layer.rgb.assign(3 * pixels, 0);
  layer.alpha.assign(pixels, 0);
  for (const DrawingShape& shape : look.shapes) {
    PaintShape(look, shape, frame, pose.height, &layer);
  }
  return layer;
}

}  // namespace yoloq
