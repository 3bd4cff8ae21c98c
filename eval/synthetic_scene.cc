#include "eval/synthetic_scene.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "eval/synthetic_drawing.h"
#include "eval/synthetic_render.h"

namespace yoloq {
namespace {

constexpr int kNobody = -1;
constexpr uint8_t kHalfCovered = 128;

// Shares of an object, in percent of its pixels.
constexpr int kAnnotatedFrom = 15;   // visible at least
constexpr int kDifficultBelow = 50;  // visible
constexpr int kTruncatedFrom = 4;    // outside the picture
constexpr int kOccludedFrom = 6;     // behind something
constexpr int kMinVisiblePixels = 24;
constexpr int kDifficultSide = 12;  // pixels of the box's shorter side

double Lerp(double a, double b, double share) { return a + (b - a) * share; }

// Between the easiest scenes' value and the hardest's, rounded down.
int Level(int easiest, int hardest, double difficulty) {
  return static_cast<int>(std::floor(Lerp(easiest, hardest, difficulty)));
}

uint8_t ToByte(double value) {
  return static_cast<uint8_t>(std::clamp(value, 0.0, 255.0));
}

// A picture in the making, and which object each pixel shows.
struct Canvas {
  Picture picture;
  std::vector<int> owner;
};

Colour AnyColour(Random* random) {
  return DrawColour({0, 180, 5, 75, 15, 95}, random);
}

// Smooth noise: random values on a lattice of `cell` pixels, in between
// bilinear.
class LatticeNoise {
 public:
  LatticeNoise(int width, int height, int cell, Random* random)
      : cell_(cell), columns_(width / cell + 2) {
    values_.resize(size_t(columns_) * (height / cell + 2));
    for (double& value : values_) value = 2 * random->Uniform() - 1;
  }

  double At(int x, int y) const {
    const size_t corner = size_t(y / cell_) * columns_ + x / cell_;
    const double fx = static_cast<double>(x % cell_) / cell_;
    const double fy = static_cast<double>(y % cell_) / cell_;
    return Lerp(
        Lerp(values_[corner], values_[corner + 1], fx),
        Lerp(values_[corner + columns_], values_[corner + columns_ + 1], fx),
        fy);
  }

 private:
  const int cell_;
  const int columns_;
  std::vector<double> values_;
};

// Two surfaces that meet at a horizon, each shaded, with coarse and fine
// structure.
void PaintBackground(double difficulty, Canvas* canvas, Random* random) {
  Picture& picture = canvas->picture;
  const std::array<Colour, 2> surfaces = {AnyColour(random), AnyColour(random)};
  const int horizon = random->Between(0, picture.height);
  const double shade = Lerp(-0.5, 0.5, random->Uniform());
  const LatticeNoise coarse(picture.width, picture.height,
                            random->Between(16, 48), random);
  const LatticeNoise fine(picture.width, picture.height, random->Between(3, 8),
                          random);
  const double coarse_level =
      random->Between(Level(3, 5, difficulty), Level(20, 45, difficulty));
  const double fine_level =
      random->Between(Level(0, 2, difficulty), Level(10, 28, difficulty));
  uint8_t* rgb = picture.rgb.data();
  for (int y = 0; y < picture.height; ++y) {
    const Colour& surface = surfaces[y >= horizon];
    for (int x = 0; x < picture.width; ++x, rgb += 3) {
      const double light =
          1 + shade * (static_cast<double>(x) / picture.width - 0.5);
      const double noise =
          coarse_level * coarse.At(x, y) + fine_level * fine.At(x, y);
      rgb[0] = ToByte(surface.r * light + noise);
      rgb[1] = ToByte(surface.g * light + noise);
      rgb[2] = ToByte(surface.b * light + noise);
    }
  }
}

// Calls body(pixel of the layer, pixel of the canvas) where the layer lies in
// it.
template <typename Body>
void ForEachCommonPixel(const Layer& layer, const Canvas& canvas,
                        const Body& body) {
  const int left = std::max(layer.left, 0);
  const int right = std::min(layer.left + layer.width, canvas.picture.width);
  const int bottom = std::min(layer.top + layer.height, canvas.picture.height);
  for (int y = std::max(layer.top, 0); y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      body(size_t(y - layer.top) * layer.width + (x - layer.left),
           size_t(y) * canvas.picture.width + x);
    }
  }
}

// opacity: percent.
void Compose(const Layer& layer, int opacity, int owner, Canvas* canvas) {
  ForEachCommonPixel(layer, *canvas, [&](size_t from, size_t to) {
    const int alpha = layer.alpha[from] * opacity / 100;
    for (int c = 0; c < 3; ++c) {
      uint8_t& value = canvas->picture.rgb[3 * to + c];
      value = static_cast<uint8_t>(
          (layer.rgb[3 * from + c] * alpha + value * (255 - alpha) + 127) /
          255);
    }
    if (layer.alpha[from] >= kHalfCovered) canvas->owner[to] = owner;
  });
}

// A shape that belongs to no object: one torn from a class's drawing, so that
// no part of an object proves that the whole is there.
void PaintClutter(int max_side, int max_opacity, Canvas* canvas,
                  Random* random) {
  const std::vector<ClassDrawing>& drawings = ClassDrawings();
  const ClassDrawing& drawing =
      drawings[random->Below(static_cast<uint32_t>(drawings.size()))];
  ObjectLook look = DrawLook(drawing, /*variety=*/1, random);
  look.shapes = {
      look.shapes[random->Below(static_cast<uint32_t>(look.shapes.size()))]};
  for (Colour& ink : look.inks) ink = AnyColour(random);
  ObjectPose pose;
  pose.center_x = random->Between(0, canvas->picture.width);
  pose.center_y = random->Between(0, canvas->picture.height);
  pose.width = random->Between(max_side / 6, max_side);
  pose.height = random->Between(max_side / 6, max_side);
  pose.half_tilt = Lerp(-0.8, 0.8, random->Uniform());
  Compose(RenderObject(look, pose),
          random->Between(max_opacity / 2, max_opacity), kNobody, canvas);
}

// What is known of an object once it is painted.
struct PaintedObject {
  int class_index = 0;
  bool faint = false;
  int pixels = 0;  // in all, outside the picture too
  int inside = 0;  // of them in the picture
};

ObjectPose DrawPose(const ClassDrawing& drawing, int objects, double difficulty,
                    const Picture& picture, Random* random) {
  const double smallest = Lerp(0.35, 0.2, difficulty);
  const double largest = objects == 1 ? 0.9 : 0.7;
  const double u = random->Uniform();
  const double size = Lerp(smallest, largest, u * Lerp(u, 1, 0.6)) *
                      std::min(picture.width, picture.height);
  const double aspect = drawing.aspect * Lerp(0.78, 1.28, random->Uniform());
  ObjectPose pose;
  pose.width = aspect > 1 ? size : size * aspect;
  pose.height = aspect > 1 ? size / aspect : size;
  // One in five may be cut off by the edge.
  const double inside = random->Below(5) == 0 ? 0.2 : 0.5;
  pose.center_x = Lerp(pose.width * inside, picture.width - pose.width * inside,
                       random->Uniform());
  pose.center_y =
      Lerp(pose.height * inside, picture.height - pose.height * inside,
           random->Uniform());
  pose.half_tilt = Lerp(-0.09, 0.09, random->Uniform());
  pose.mirrored = random->Below(2) == 0;
  return pose;
}

// Intersection as a share of the smaller box.
double Overlap(const ObjectPose& a, const ObjectPose& b) {
  const auto common = [](double ca, double sa, double cb, double sb) {
    return std::min(ca + sa / 2, cb + sb / 2) -
           std::max(ca - sa / 2, cb - sb / 2);
  };
  const double width = common(a.center_x, a.width, b.center_x, b.width);
  const double height = common(a.center_y, a.height, b.center_y, b.height);
  if (width <= 0 || height <= 0) return 0;
  return width * height / std::min(a.width * a.height, b.width * b.height);
}

// A pose that does not hide too much of the others, if a few attempts find one.
bool FindPose(const ClassDrawing& drawing, int objects, double difficulty,
              const Picture& picture, const std::vector<ObjectPose>& others,
              Random* random, ObjectPose* pose) {
  const double most_overlap = Lerp(0.2, 0.5, difficulty);
  for (int attempt = 0; attempt < 10; ++attempt) {
    *pose = DrawPose(drawing, objects, difficulty, picture, random);
    const auto too_close = [&](const ObjectPose& other) {
      return Overlap(*pose, other) > most_overlap;
    };
    if (std::none_of(others.begin(), others.end(), too_close)) return true;
  }
  return false;
}

PaintedObject PaintObject(int class_index, const ObjectPose& pose, int owner,
                          double difficulty, Canvas* canvas, Random* random) {
  PaintedObject object;
  object.class_index = class_index;
  object.faint = random->Uniform() < difficulty / 20;
  const Layer layer = RenderObject(
      DrawLook(ClassDrawings()[class_index], difficulty, random), pose);
  Compose(layer, object.faint ? 40 : 100, owner, canvas);
  for (const uint8_t alpha : layer.alpha) {
    object.pixels += alpha >= kHalfCovered;
  }
  ForEachCommonPixel(layer, *canvas, [&](size_t from, size_t) {
    object.inside += layer.alpha[from] >= kHalfCovered;
  });
  return object;
}

int DrawCount(double difficulty, Random* random) {
  constexpr std::array<int, 10> kEasiest = {1, 1, 1, 1, 2, 2, 2, 2, 3, 3};
  constexpr std::array<int, 10> kHardest = {1, 1, 2, 2, 2, 3, 3, 4, 4, 5};
  const auto& counts = random->Uniform() < difficulty ? kHardest : kEasiest;
  return counts[random->Below(counts.size())];
}

std::vector<PaintedObject> PaintObjects(double difficulty, Canvas* canvas,
                                        Random* random) {
  const int count = DrawCount(difficulty, random);
  std::vector<PaintedObject> objects;
  std::vector<ObjectPose> poses;
  int class_index = 0;
  for (int i = 0; i < count; ++i) {
    // Like keeps company with like.
    if (i == 0 || random->Below(3) != 0) class_index = random->Below(20);
    ObjectPose pose;
    if (!FindPose(ClassDrawings()[class_index], count, difficulty,
                  canvas->picture, poses, random, &pose)) {
      continue;
    }
    objects.push_back(PaintObject(class_index, pose,
                                  static_cast<int>(objects.size()), difficulty,
                                  canvas, random));
    poses.push_back(pose);
  }
  return objects;
}

void BlurThree(Picture* picture) {
  const Picture source = *picture;
  const int stride = 3 * source.width;
  for (int y = 1; y + 1 < source.height; ++y) {
    for (int x = 3; x + 3 < stride; ++x) {
      int sum = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        const uint8_t* row = &source.rgb[size_t(y + dy) * stride + x];
        sum += row[-3] + row[0] + row[3];
      }
      picture->rgb[size_t(y) * stride + x] = static_cast<uint8_t>(sum / 9);
    }
  }
}

// The camera: focus, exposure, white balance, noise.
void Photograph(double difficulty, Picture* picture, Random* random) {
  if (random->Uniform() < difficulty / 4) BlurThree(picture);
  const double contrast =
      Lerp(Lerp(0.85, 0.65, difficulty), 1.1, random->Uniform());
  const int exposure = Level(10, 25, difficulty);
  const double brightness = random->Between(-exposure, exposure);
  const double balance = Lerp(0.05, 0.12, difficulty);
  std::array<double, 3> gain;
  for (double& g : gain) {
    g = contrast * Lerp(1 - balance, 1 + balance, random->Uniform());
  }
  const int noise = random->Between(2, Level(8, 20, difficulty));
  for (size_t i = 0; i < picture->rgb.size(); i += 3) {
    // Two of the three channels' noise is common: grain more than colour.
    const uint64_t bits = random->Next();
    const int grain = static_cast<int>(bits & 0xFFFF) % (2 * noise + 1) - noise;
    for (int c = 0; c < 3; ++c) {
      const int own =
          static_cast<int>((bits >> (16 + 16 * c)) & 0xFFFF) % (noise + 1) -
          noise / 2;
      picture->rgb[i + c] = ToByte((picture->rgb[i + c] - 128) * gain[c] + 128 +
                                   brightness + grain + own);
    }
  }
}

// Boxes and flags from what is left to be seen.
std::vector<SceneObject> Annotate(const Canvas& canvas,
                                  const std::vector<PaintedObject>& painted) {
  struct Visible {
    int pixels = 0;
    int left = 1 << 20, top = 1 << 20, right = -1, bottom = -1;
  };
  std::vector<Visible> visible(painted.size());
  for (size_t i = 0; i < canvas.owner.size(); ++i) {
    if (canvas.owner[i] == kNobody) continue;
    Visible& v = visible[canvas.owner[i]];
    const int x = static_cast<int>(i % canvas.picture.width);
    const int y = static_cast<int>(i / canvas.picture.width);
    ++v.pixels;
    v.left = std::min(v.left, x);
    v.right = std::max(v.right, x);
    v.top = std::min(v.top, y);
    v.bottom = std::max(v.bottom, y);
  }
  std::vector<SceneObject> objects;
  for (size_t i = 0; i < painted.size(); ++i) {
    const PaintedObject& p = painted[i];
    const Visible& v = visible[i];
    if (v.pixels < kMinVisiblePixels ||
        v.pixels * 100 < p.pixels * kAnnotatedFrom) {
      continue;
    }
    SceneObject object;
    // Pixels counted from 1.
    object.truth.box = {v.left + 1.0f, v.top + 1.0f, v.right + 1.0f,
                        v.bottom + 1.0f};
    object.truth.class_index = p.class_index;
    const int shorter = std::min(v.right - v.left, v.bottom - v.top) + 1;
    object.truth.difficult = p.faint || shorter < kDifficultSide ||
                             v.pixels * 100 < p.pixels * kDifficultBelow;
    object.truncated = (p.pixels - p.inside) * 100 > p.pixels * kTruncatedFrom;
    object.occluded = (p.inside - v.pixels) * 100 > p.pixels * kOccludedFrom;
    objects.push_back(object);
  }
  return objects;
}

}  // namespace

Scene MakeScene(const SceneOptions& options, Random* random) {
  Scene scene;
  while (scene.objects.empty()) {
    Canvas canvas;
    Picture& picture = canvas.picture;
    picture.width = random->Between(options.min_side, options.max_side);
    picture.height = random->Between(options.min_side, options.max_side);
    const size_t pixels = size_t(picture.width) * picture.height;
    picture.rgb.resize(3 * pixels);
    canvas.owner.assign(pixels, kNobody);
    const double difficulty = options.difficulty;
    PaintBackground(difficulty, &canvas, random);
    const int side = std::min(picture.width, picture.height);
    const int behind =
        random->Between(Level(0, 2, difficulty), Level(2, 9, difficulty));
    for (int i = 0; i < behind; ++i) {
      PaintClutter(side / 2, 100, &canvas, random);
    }
    const std::vector<PaintedObject> painted =
        PaintObjects(difficulty, &canvas, random);
    const int in_front = random->Between(0, Level(0, 3, difficulty));
    for (int i = 0; i < in_front; ++i) {
      PaintClutter(side / 4, 100, &canvas, random);
    }
    scene.objects = Annotate(canvas, painted);
    Photograph(difficulty, &picture, random);
    scene.picture = std::move(picture);
  }
  return scene;
}

}  // namespace yoloq
