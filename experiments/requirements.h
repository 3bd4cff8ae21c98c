// What a profile needs from outside the program before it can run: data and
// files, all that is missing at once, with the commands that fetch it.
#ifndef YOLOQ_EXPERIMENTS_REQUIREMENTS_H_
#define YOLOQ_EXPERIMENTS_REQUIREMENTS_H_

#include <string>

#include "absl/status/status.h"
#include "experiments/spec.pb.h"

namespace yoloq {

// $XDG_CACHE_HOME/yoloq or ~/.cache/yoloq: where stages are kept, and where
// tools/fetch_voc and tools/fetch_weights put what they fetch, unless they are
// told otherwise.
std::string UserCacheFolder();

// `profile` is checked, flags and overrides included. One error that lists all
// of: fields that the profile requires and that are not given; files of its
// networks, the VOCdevkit folder and image lists that are not there (NotFound
// where there is any of these); image lists of another length than the profile
// expects (FailedPrecondition where there is nothing else). Looks at no image.
absl::Status CheckRequirements(const ProfileSpec& profile);

}  // namespace yoloq

#endif  // YOLOQ_EXPERIMENTS_REQUIREMENTS_H_
