// Detections against the annotated objects: the score stage.
#ifndef YOLOQ_EXPERIMENTS_SCORING_H_
#define YOLOQ_EXPERIMENTS_SCORING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "experiments/image_sets.h"
#include "experiments/pipeline.h"
#include "experiments/spec.pb.h"
#include "experiments/stage_cache.h"
#include "reports/result.pb.h"

namespace yoloq {

struct Score {
  AccuracyResult accuracy;  // without the model that was measured
  StageRecord stage;
};

class Scorer {
 public:
  // `truth` and `cache` outlive the scorer.
  Scorer(const EvaluationSpec& evaluation, std::vector<std::string> class_names,
         const ImageSet* truth, StageCache* cache)
      : evaluation_(evaluation),
        class_names_(std::move(class_names)),
        truth_(truth),
        cache_(cache) {}

  // The accuracy of `run` and, where `other` is not null, its change against
  // `other` on the same images. Errors as eval/accuracy.h.
  absl::StatusOr<Score> Compute(const EvaluatedModel& run,
                                const EvaluatedModel* other) const;

  // mAP by the table protocol, in [0, 1].
  double TableMap(const AccuracyResult& accuracy) const;

 private:
  absl::StatusOr<AccuracyResult> ComputeAnew(const EvaluatedModel& run,
                                             const EvaluatedModel* other) const;

  const EvaluationSpec evaluation_;
  const std::vector<std::string> class_names_;
  const ImageSet* const truth_;
  StageCache* const cache_;
};

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_SCORING_H_
