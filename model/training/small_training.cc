#include "model/training/small_training.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "eval/image.h"
#include "eval/random.h"
#include "model/graph.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/testing.h"

namespace yoloq {

Graph SmallDetector() {
  Graph graph;
  EXPECT_TRUE(ParseTextProto(R"pb(
                               nodes {
                                 name: "input"
                                 input {}
                                 output { channels: 3 height: 32 width: 32 }
                               }
                               nodes {
                                 name: "first"
                                 inputs: 0
                                 convolution {
                                   out_channels: 8
                                   kernel: 3
                                   stride: 4
                                   padding: 1
                                   groups: 1
                                   batch_norm: true
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "second"
                                 inputs: 1
                                 convolution {
                                   out_channels: 8
                                   kernel: 3
                                   stride: 2
                                   padding: 1
                                   groups: 1
                                   batch_norm: true
                                   activation: LEAKY
                                 }
                               }
                               nodes {
                                 name: "out"
                                 inputs: 2
                                 convolution {
                                   out_channels: 7
                                   kernel: 1
                                   stride: 1
                                   padding: 0
                                   groups: 1
                                   activation: LINEAR
                                 }
                               }
                               nodes {
                                 name: "yolo"
                                 inputs: 3
                                 yolo_head {
                                   anchors { width: 12 height: 12 }
                                   mask: 0
                                   classes: 2
                                   scale_x_y: 1
                                 }
                               })pb",
                             "graph", &graph)
                  .ok());
  EXPECT_TRUE(InferShapes(&graph).ok());
  return graph;
}

std::vector<VocImage> Squares(int count) {
  const std::string folder = TestFolder();
  std::vector<VocImage> images;
  Random random(3);
  for (int i = 0; i < count; ++i) {
    Picture picture{32, 32, std::vector<uint8_t>(3 * 32 * 32, 30)};
    const int left = random.Between(0, 19);
    const int top = random.Between(0, 19);
    for (int y = top; y < top + 12; ++y) {
      for (int x = left; x < left + 12; ++x) {
        picture.rgb[3 * (32 * y + x) + (i % 2 == 0 ? 0 : 2)] = 230;
      }
    }
    VocImage image;
    image.id = absl::StrCat("square", i);
    image.jpeg_path = JoinPath(folder, absl::StrCat(i, ".jpg"));
    EXPECT_TRUE(
        WriteFileAtomically(image.jpeg_path, *EncodeJpeg(picture, 95)).ok());
    GroundTruthObject object;
    object.box = {left + 1.0f, top + 1.0f, left + 12.0f, top + 12.0f};
    object.class_index = i % 2;
    image.annotation.objects.push_back(object);
    images.push_back(image);
  }
  return images;
}

}  // namespace yoloq
