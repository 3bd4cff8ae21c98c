#include "experiments/requirements.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "eval/voc.h"
#include "tools/base/file.h"

namespace yoloq {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The field of a profile that flags fill in, and its fields that are paths.
constexpr char kModel[] = "model";
constexpr char kCfg[] = "cfg";
constexpr char kWeights[] = "weights";
constexpr char kNames[] = "names";
constexpr char kPretrained[] = "pretrained";

constexpr char kBackboneFile[] = "darknet53.conv.74";

// What tools/fetch_weights fetches (tools/darknet_files.txt).
bool IsFetched(absl::string_view file_name) {
  return file_name == kBackboneFile || file_name == "yolov3.weights" ||
         file_name == "yolov3.cfg" || file_name == "yolov3-voc.cfg";
}

// The folder that holds `path` ("." for a bare name), and its name there.
std::pair<std::string, std::string> SplitPath(absl::string_view path) {
  while (path.size() > 1 && absl::ConsumeSuffix(&path, "/")) {
  }
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {".", std::string(path)};
  return {std::string(slash == 0 ? "/" : path.substr(0, slash)),
          std::string(path.substr(slash + 1))};
}

// "tools/fetch_voc" where `folder` is where that script fetches to anyway.
std::string FetchInto(absl::string_view script, absl::string_view folder,
                      absl::string_view usual) {
  if (folder == usual) return std::string(script);
  return absl::StrCat(script, " --output_dir=", folder);
}

// Collects what is missing.
class Requirements {
 public:
  explicit Requirements(const ProfileSpec& profile) : profile_(profile) {}

  absl::Status Check() {
    CheckModel(profile_.model(), kModel);
    if (profile_.has_deployment_model()) {
      CheckModel(profile_.deployment_model(), "deployment_model");
    }
    const DataSpec& data = profile_.data();
    if (!data.noise_only() && !data.has_synthetic()) CheckData();
    return Result();
  }

 private:
  // advice: lines on what to do; it is said once where several problems in a
  // row share it.
  void Add(absl::StatusCode code, absl::string_view field,
           absl::string_view problem, const std::string& advice) {
    if (code_ != absl::StatusCode::kNotFound) code_ = code;
    if (!advice_.empty() && advice != advice_) text_ += advice_;
    advice_ = advice;
    absl::StrAppend(&text_, "\n  ", field, ": ", problem);
  }

  absl::Status Result() const {
    if (text_.empty()) return absl::OkStatus();
    return absl::Status(
        code_, absl::StrCat("profile ", profile_.name(),
                            " cannot start; what is missing:", text_, advice_));
  }

  // --- Files of a network.

  void CheckModel(const ModelSpec& model, absl::string_view prefix) {
    const std::set<std::string> required(model.required().begin(),
                                         model.required().end());
    const std::pair<const char*, const std::string*> fields[] = {
        {kCfg, &model.cfg()},
        {kWeights, &model.weights()},
        {kNames, &model.names()},
        {kPretrained, &model.pretrained()}};
    for (const auto& [field, path] : fields) {
      const std::string name = absl::StrCat(prefix, ".", field);
      if (path->empty() && required.count(field) > 0) {
        Add(absl::StatusCode::kNotFound, name, "is required and not given",
            AdviceOnNoFile(prefix, field));
      } else if (!path->empty() && !PathExists(*path)) {
        Add(absl::StatusCode::kNotFound, name,
            absl::StrCat(*path, ": there is no such file"),
            AdviceOnFile(prefix, field, *path));
      }
    }
  }

  static std::string WeightsFolder() {
    return JoinPath(UserCacheFolder(), "weights");
  }

  // Flags are those of the model that is trained and evaluated.
  static std::string GiveFile(absl::string_view prefix, absl::string_view field,
                              absl::string_view path) {
    if (prefix != kModel) {
      return absl::StrCat("\n    give --override='", prefix, " { ", field,
                          ": \"", path, "\" }'");
    }
    return absl::StrCat("\n    give --", field, "=", path, " or set YOLOQ_",
                        absl::AsciiStrToUpper(field));
  }

  static std::string AdviceOnNoFile(absl::string_view prefix,
                                    absl::string_view field) {
    if (field == kPretrained) {
      return absl::StrCat(
          "\n    run tools/fetch_weights",
          GiveFile(prefix, field, JoinPath(WeightsFolder(), kBackboneFile)));
    }
    const std::string give = GiveFile(prefix, field, "PATH");
    if (field == kNames) return give;
    return absl::StrCat(
        "\n    run tools/fetch_weights for darknet's official "
        "networks, in ",
        WeightsFolder(), give);
  }

  static std::string AdviceOnFile(absl::string_view prefix,
                                  absl::string_view field,
                                  absl::string_view path) {
    const auto [folder, name] = SplitPath(path);
    if (!IsFetched(name)) return AdviceOnNoFile(prefix, field);
    return absl::StrCat("\n    run ", FetchInto("tools/fetch_weights", folder,
                                                WeightsFolder()));
  }

  // --- Image lists.

  void CheckData() {
    const DataSpec& data = profile_.data();
    if (data.voc_root().empty()) {
      Add(absl::StatusCode::kNotFound, "data.voc_root",
          absl::StrCat("is required and not given: the VOCdevkit folder, with ",
                       SetNames(data)),
          AdviceOnVoc());
      return;
    }
    if (!PathExists(data.voc_root())) {
      Add(absl::StatusCode::kNotFound, "data.voc_root",
          absl::StrCat(data.voc_root(), ": there is no such folder"),
          AdviceOnVoc());
      return;
    }
    CheckSets("train", data.train_sets(), data.expected_train_images(),
              /*most=*/0);
    CheckSets("test", data.test_sets(), data.expected_test_images(),
              data.max_test_images());
  }

  static std::string SetNames(const DataSpec& data) {
    std::vector<std::string> names(data.train_sets().begin(),
                                   data.train_sets().end());
    names.insert(names.end(), data.test_sets().begin(), data.test_sets().end());
    return absl::StrJoin(names, ", ");
  }

  // The archives hold a folder VOCdevkit.
  std::string AdviceOnVoc() const {
    constexpr char kDevkit[] = "VOCdevkit";
    const std::string usual = JoinPath(UserCacheFolder(), "voc");
    const auto [folder, name] = SplitPath(profile_.data().voc_root());
    if (name == kDevkit) {
      return absl::StrCat("\n    run ",
                          FetchInto("tools/fetch_voc", folder, usual));
    }
    return absl::StrCat("\n    run tools/fetch_voc\n    give --voc_root=",
                        JoinPath(usual, kDevkit), " or set YOLOQ_VOC_ROOT");
  }

  std::string ListPath(const std::string& set) const {
    const auto [folder, list] = SplitPath(set);
    return JoinPath(profile_.data().voc_root(),
                    absl::StrCat(folder, "/ImageSets/Main/", list, ".txt"));
  }

  void CheckSets(absl::string_view which,
                 const google::protobuf::RepeatedPtrField<std::string>& sets,
                 int64_t expected, int64_t most) {
    const std::string field = absl::StrCat("data.", which, "_sets");
    int64_t images = 0;
    bool complete = true;
    for (const std::string& set : sets) {
      const absl::StatusOr<std::vector<std::string>> ids =
          ReadImageSet(profile_.data().voc_root(), set);
      if (ids.ok()) {
        images += static_cast<int64_t>(ids->size());
        continue;
      }
      complete = false;
      // What is wrong with a list that is there is said where it is read.
      if (!absl::IsNotFound(ids.status())) continue;
      Add(absl::StatusCode::kNotFound, field,
          absl::StrCat(ListPath(set), ": there is no such list"),
          AdviceOnVoc());
    }
    if (most > 0) images = std::min(images, most);
    if (!complete || expected == 0 || images == expected) return;
    Add(absl::StatusCode::kFailedPrecondition, field,
        absl::StrCat("hold ", images, " images, but the profile is about ",
                     expected),
        absl::StrCat(AdviceOnVoc(),
                     "\n    or, for numbers that are not the paper's, give "
                     "--override='data { expected_",
                     which, "_images: 0 }'"));
  }

  const ProfileSpec& profile_;
  absl::StatusCode code_ = absl::StatusCode::kOk;
  std::string text_;
  std::string advice_;  // on the last problems of text_; not yet in it
};

}  // namespace

std::string UserCacheFolder() {
  const std::string xdg = Environment("XDG_CACHE_HOME");
  if (!xdg.empty()) return JoinPath(xdg, "yoloq");
  const std::string home = Environment("HOME");
  return JoinPath(home.empty() ? "/tmp" : home, ".cache/yoloq");
}

absl::Status CheckRequirements(const ProfileSpec& profile) {
  return Requirements(profile).Check();
}

}  // namespace yoloq
