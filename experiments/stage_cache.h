// Outputs of stages, kept under a key made of everything that decides them.
//
//   StageInputs inputs("calibrate", /*version=*/1);
//   inputs.Add("network", network.key());
//   YOLOQ_ASSIGN_OR_RETURN(
//       StageEntry entry, cache.Get(inputs, [&](const std::string& folder) {
//         return WriteBinaryProto(JoinPath(folder, "calibration.binpb"), ...);
//       }));
//
// Layout: <root>/<stage>/<key>/ holds the outputs and MANIFEST.textproto;
// <key>.partial/ is what an unfinished run has left, for the next to resume.
#ifndef YOLOQ_EXPERIMENTS_STAGE_CACHE_H_
#define YOLOQ_EXPERIMENTS_STAGE_CACHE_H_

#include <functional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "reports/result.pb.h"

namespace yoloq {

// Everything that decides a stage's outputs.
class StageInputs {
 public:
  // version: raised whenever the stage's code comes to other results.
  StageInputs(absl::string_view stage, int version);

  // `name`s are unique; values may hold several lines.
  void Add(absl::string_view name, absl::string_view value);
  void Add(absl::string_view name, const google::protobuf::Message& value);

  const std::string& stage() const { return stage_; }
  const std::string& text() const { return text_; }
  // SHA-256 of text().
  std::string Key() const;

 private:
  std::string stage_;
  std::string text_;
};

struct StageEntry {
  std::string folder;  // of the finished outputs
  StageRecord record;
};

class StageCache {
 public:
  // rerun: names of stages whose finished outputs are made anew (once).
  explicit StageCache(std::string root, std::set<std::string> rerun = {});

  // The entry for these inputs. Where there is none, `make` writes the outputs
  // into the folder that it is given, which keeps what an interrupted run wrote
  // there. Waits while another process makes the same entry.
  // DataLoss, naming the entry, when its files are not what the manifest says.
  absl::StatusOr<StageEntry> Get(
      const StageInputs& inputs,
      const std::function<absl::Status(const std::string& folder)>& make);

 private:
  std::string root_;
  std::set<std::string> rerun_;
  std::set<std::string> made_;  // keys that this process has made
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_STAGE_CACHE_H_
