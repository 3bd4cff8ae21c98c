#include "experiments/scoring.h"

#include "eval/accuracy.h"
#include "tools/base/file.h"
#include "tools/base/proto_file.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kScoreVersion = 1;
constexpr char kAccuracyFile[] = "accuracy.textproto";

}  // namespace

absl::StatusOr<AccuracyResult> Scorer::ComputeAnew(
    const EvaluatedModel& run, const EvaluatedModel* other) const {
  const int classes = static_cast<int>(class_names_.size());
  YOLOQ_ASSIGN_OR_RETURN(
      const Matches matches,
      MatchImages(truth_->images, run.detections, classes, evaluation_));
  YOLOQ_ASSIGN_OR_RETURN(AccuracyResult accuracy,
                         ComputeAccuracy(matches, class_names_, evaluation_));
  if (other != nullptr) {
    YOLOQ_ASSIGN_OR_RETURN(
        const Matches theirs,
        MatchImages(truth_->images, other->detections, classes, evaluation_));
    YOLOQ_RETURN_IF_ERROR(
        SetMapChange(matches, theirs, evaluation_, &accuracy));
  }
  return accuracy;
}

absl::StatusOr<Score> Scorer::Compute(const EvaluatedModel& run,
                                      const EvaluatedModel* other) const {
  StageInputs inputs("score", kScoreVersion);
  inputs.Add("detections", run.sha256);
  inputs.Add("baseline", other != nullptr ? other->sha256 : "none");
  inputs.Add("images", truth_->sha256);
  inputs.Add("evaluation", evaluation_);
  YOLOQ_ASSIGN_OR_RETURN(
      const StageEntry entry,
      cache_->Get(inputs, [&](const std::string& folder) -> absl::Status {
        YOLOQ_ASSIGN_OR_RETURN(const AccuracyResult made,
                               ComputeAnew(run, other));
        return WriteTextProto(JoinPath(folder, kAccuracyFile), made);
      }));
  Score score;
  score.stage = entry.record;
  YOLOQ_RETURN_IF_ERROR(
      ReadTextProto(JoinPath(entry.folder, kAccuracyFile), &score.accuracy));
  score.accuracy.set_engine(run.engine);
  score.accuracy.set_detections_sha256(run.sha256);
  score.accuracy.set_seconds_per_image(run.seconds_per_image);
  return score;
}

double Scorer::TableMap(const AccuracyResult& accuracy) const {
  return evaluation_.table_protocol() == EvaluationSpec::ELEVEN_POINT
             ? accuracy.map_eleven_point()
             : accuracy.map_area();
}

}  // namespace yoloq
