// What the objects of the synthetic data look like: for each of the 20 VOC
// classes a drawing made of a few filled shapes, with the colours and textures
// it likes.
#ifndef YOLOQ_EVAL_SYNTHETIC_DRAWING_H_
#define YOLOQ_EVAL_SYNTHETIC_DRAWING_H_

#include <vector>

namespace yoloq {

// The drawing's box is [0, 1] x [0, 1], y downwards.
struct DrawingPoint {
  double x = 0;
  double y = 0;
};

// Which of an object's colours a shape is filled with.
enum class Ink { kPrimary, kSecondary, kAccent, kDark, kLight };

// A filled shape of a drawing.
struct DrawingShape {
  enum class Kind {
    kEllipse,  // points: two corners of its box
    kRing,     // likewise; thickness as a share of the radius
    kPolygon,  // points: its corners, three or more
    kLine,     // points: both ends; thickness in units of the drawing's height
  };
  Kind kind = Kind::kEllipse;
  Ink ink = Ink::kPrimary;
  std::vector<DrawingPoint> points;
  double thickness = 0;
};

enum class Texture { kPlain, kStripes, kBands, kSpots, kChecks };

// Hue in degrees, saturation and value in percent; each is drawn uniformly.
struct ColourRange {
  int hue = 0;
  int hue_spread = 180;  // to either side
  int min_saturation = 0;
  int max_saturation = 100;
  int min_value = 0;
  int max_value = 100;
};

struct ClassDrawing {
  double aspect = 1;  // width / height, before variation
  ColourRange primary;
  ColourRange secondary;
  Texture texture = Texture::kPlain;  // the likeliest one
  std::vector<DrawingShape> shapes;   // from back to front
};

// Parallel to VocClassNames() (eval/voc.h).
const std::vector<ClassDrawing>& ClassDrawings();

}  // namespace yoloq

#endif  // YOLOQ_EVAL_SYNTHETIC_DRAWING_H_
