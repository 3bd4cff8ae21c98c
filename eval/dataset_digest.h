// A digest of an image set: for provenance, and for the keys of stages that
// read it.
#ifndef YOLOQ_EVAL_DATASET_DIGEST_H_
#define YOLOQ_EVAL_DATASET_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "eval/voc.h"

namespace yoloq {

// SHA-256, in hexadecimal, over the ids and the digests of XML and JPEG of each
// image, in order; it does not depend on where the data lies. The digests of
// the files are kept in <cache_folder>/file_digests.txt by path, size and time
// of change, so that a second call reads no image; a damaged cache is made
// anew. An empty cache_folder: no cache. NotFound when a file is missing.
absl::StatusOr<std::string> DatasetDigest(absl::Span<const VocImage> images,
                                          const std::string& cache_folder);

}  // namespace yoloq

#endif  // YOLOQ_EVAL_DATASET_DIGEST_H_
