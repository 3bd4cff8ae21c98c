#include "model/darknet_cfg_testdata.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace yoloq {
namespace {

constexpr char kTrainingKeys[] = R"(momentum=0.9
decay=0.0005
angle=0
saturation = 1.5
exposure = 1.5
hue=.1

learning_rate=0.001
burn_in=1000
max_batches = 500200
policy=steps
steps=400000,450000
scales=.1,.1

)";

std::string Net(int side) {
  return absl::StrCat("[net]\n# Testing\n batch=1\n subdivisions=1\n",
                      "# Training\n# batch=64\n# subdivisions=16\nwidth=", side,
                      "\nheight=", side, "\nchannels=3\n", kTrainingKeys);
}

std::string Convolution(int filters, int size, int stride) {
  return absl::StrCat("[convolutional]\nbatch_normalize=1\nfilters=", filters,
                      "\nsize=", size, "\nstride=", stride,
                      "\npad=1\nactivation=leaky\n\n");
}

std::string Output(int filters) {
  return absl::StrCat("[convolutional]\nsize=1\nstride=1\npad=1\nfilters=",
                      filters, "\nactivation=linear\n\n\n");
}

std::string Darknet53Stages() {
  std::string text = Convolution(32, 3, 1);
  const int blocks[] = {1, 2, 8, 8, 4};
  int filters = 64;
  for (const int count : blocks) {
    absl::StrAppend(&text, "# Downsample\n\n", Convolution(filters, 3, 2));
    for (int i = 0; i < count; ++i) {
      absl::StrAppend(&text, Convolution(filters / 2, 1, 1),
                      Convolution(filters, 3, 1),
                      "[shortcut]\nfrom=-3\nactivation=linear\n\n");
    }
    filters *= 2;
  }
  return text;
}

std::string Yolov3Scale(int filters, int outputs) {
  std::string text;
  for (int i = 0; i < 3; ++i) {
    absl::StrAppend(&text, Convolution(filters, 1, 1),
                    Convolution(2 * filters, 3, 1));
  }
  return text + Output(outputs);
}

std::string Yolo(absl::string_view mask, absl::string_view anchors, int classes,
                 int num, absl::string_view ignore) {
  return absl::StrCat("[yolo]\nmask = ", mask, "\nanchors = ", anchors,
                      "\nclasses=", classes, "\nnum=", num,
                      "\njitter=.3\nignore_thresh = ", ignore,
                      "\ntruth_thresh = 1\nrandom=1\n\n");
}

std::string Lateral(int filters, int tap) {
  return absl::StrCat("[route]\nlayers = -4\n\n", Convolution(filters, 1, 1),
                      "[upsample]\nstride=2\n\n[route]\nlayers = -1, ", tap,
                      "\n\n\n\n");
}

}  // namespace

std::string OfficialYolov3Cfg(int classes) {
  constexpr char kAnchors[] =
      "10,13,  16,30,  33,23,  30,61,  62,45,  59,119,  116,90,  156,198,  "
      "373,326";
  const char* ignore = classes == 20 ? ".5" : ".7";
  const int outputs = 3 * (5 + classes);
  return absl::StrCat(
      Net(416), Darknet53Stages(), "######################\n\n",
      Yolov3Scale(512, outputs), Yolo("6,7,8", kAnchors, classes, 9, ignore),
      Lateral(256, 61), Yolov3Scale(256, outputs),
      Yolo("3,4,5", kAnchors, classes, 9, ignore), Lateral(128, 36),
      Yolov3Scale(128, outputs), Yolo("0,1,2", kAnchors, classes, 9, ignore));
}

std::string OfficialYolov3TinyCfg() {
  constexpr char kAnchors[] =
      "10,14,  23,27,  37,58,  81,82,  135,169,  344,319";
  std::string text = Net(416);
  for (int filters = 16; filters <= 256; filters *= 2) {
    absl::StrAppend(&text, Convolution(filters, 3, 1),
                    "[maxpool]\nsize=2\nstride=2\n\n");
  }
  absl::StrAppend(
      &text, Convolution(512, 3, 1), "[maxpool]\nsize=2\nstride=1\n\n",
      Convolution(1024, 3, 1), "###########\n\n", Convolution(256, 1, 1),
      Convolution(512, 3, 1), Output(255), Yolo("3,4,5", kAnchors, 80, 6, ".7"),
      Lateral(128, 8), Convolution(256, 3, 1), Output(255),
      Yolo("0,1,2", kAnchors, 80, 6, ".7"));
  return text;
}

std::string OfficialDarknet53Cfg() {
  return absl::StrCat(
      "[net]\n# Training\n# batch=128\n# subdivisions=4\n\n# Testing\nbatch=1\n"
      "subdivisions=1\n\nheight=256\nwidth=256\nchannels=3\nmin_crop=128\n"
      "max_crop=448\n\nburn_in=1000\nlearning_rate=0.1\npolicy=poly\npower=4\n"
      "max_batches=800000\nmomentum=0.9\ndecay=0.0005\n\nangle=7\nhue=.1\n"
      "saturation=.75\nexposure=.75\naspect=.75\n\n\n",
      Darknet53Stages(),
      "[avgpool]\n\n[convolutional]\nfilters=1000\nsize=1\nstride=1\npad=1\n"
      "activation=linear\n\n[softmax]\ngroups=1\n\n");
}

}  // namespace yoloq
