// Draws an object of the synthetic data. Sums, products and quotients
// of doubles alone: the same pixels on every platform (with -ffp-contract=off).
#ifndef YOLOQ_EVAL_SYNTHETIC_RENDER_H_
#define YOLOQ_EVAL_SYNTHETIC_RENDER_H_

#include <array>
#include <cstdint>
#include <vector>

#include "eval/random.h"
#include "eval/synthetic_drawing.h"

namespace yoloq {

struct Colour {
  int r = 0;
  int g = 0;
  int b = 0;
};

// hue: any number of degrees; saturation, value: percent.
Colour FromHsv(int hue, int saturation, int value);

Colour DrawColour(const ColourRange& range, Random* random);

// Where and how an object is drawn, in pixels of the picture.
struct ObjectPose {
  double center_x = 0;
  double center_y = 0;
  double width = 1;  // of the drawing's box, before rotation
  double height = 1;
  double half_tilt = 0;  // tangent of half the angle of rotation
  bool mirrored = false;
};

// One individual of a class: its shapes with small deviations, its colours.
struct ObjectLook {
  std::vector<DrawingShape> shapes;
  std::array<Colour, 5> inks;  // by Ink
  Texture texture = Texture::kPlain;
  int texture_cells = 6;      // repetitions along the box's height
  int texture_contrast = 20;  // percent
  int light = 0;              // brighter (or darker) towards the right, percent
};

// variety: from 0, always in the class's colours and texture, to 1, one in six
// in any colours and every second in any texture.
ObjectLook DrawLook(const ClassDrawing& drawing, double variety,
                    Random* random);

// A transparent picture that lies at (left, top) of a larger one and may reach
// outside of it.
struct Layer {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgb;    // (height, width, 3)
  std::vector<uint8_t> alpha;  // (height, width)
};

// The object, antialiased, in the smallest box that surely holds it.
Layer RenderObject(const ObjectLook& look, const ObjectPose& pose);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_SYNTHETIC_RENDER_H_
