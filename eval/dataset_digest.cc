#include "eval/dataset_digest.h"

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/base/digest.h"
#include "tools/base/file.h"
#include "tools/base/parallel.h"
#include "tools/base/status_macros.h"

namespace yoloq {
namespace {

constexpr int kThreads = 2;

// What the cache knows of a file.
struct FileDigest {
  int64_t size_bytes = -1;
  int64_t changed_ns = -1;
  std::string sha256;
};

// By path. Ordered, so that equal caches are equal files.
using Cache = std::map<std::string, FileDigest>;

// One line a file, "size changed_ns sha256 path"; the first line is the SHA-256
// of all that follows.
std::string SerializeCache(const Cache& cache) {
  std::string body;
  for (const auto& [path, file] : cache) {
    absl::StrAppend(&body, file.size_bytes, " ", file.changed_ns, " ",
                    file.sha256, " ", path, "\n");
  }
  return absl::StrCat(Sha256Hex(body), "\n", body);
}

Cache ParseCache(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('\n', 1));
  Cache cache;
  if (Sha256Hex(parts.second) != parts.first) return cache;
  for (const absl::string_view line : absl::StrSplit(parts.second, '\n')) {
    const std::vector<absl::string_view> fields =
        absl::StrSplit(line, absl::MaxSplits(' ', 3));
    FileDigest file;
    if (fields.size() != 4 || !absl::SimpleAtoi(fields[0], &file.size_bytes) ||
        !absl::SimpleAtoi(fields[1], &file.changed_ns)) {
      continue;
    }
    file.sha256 = std::string(fields[2]);
    cache[std::string(fields[3])] = file;
  }
  return cache;
}

// The digest of the file, from `known` when that still describes it.
absl::StatusOr<FileDigest> Digest(const std::string& path,
                                  const FileDigest* known) {
  struct stat info;
  FileDigest result;
  // A file that cannot be examined cannot be read either: that says why.
  if (stat(path.c_str(), &info) == 0) {
    result.size_bytes = info.st_size;
    result.changed_ns =
        int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
  }
  if (known != nullptr && known->size_bytes == result.size_bytes &&
      known->changed_ns == result.changed_ns) {
    result.sha256 = known->sha256;
    return result;
  }
  YOLOQ_ASSIGN_OR_RETURN(result.sha256, FileSha256Hex(path));
  return result;
}

}  // namespace

absl::StatusOr<std::string> DatasetDigest(absl::Span<const VocImage> images,
                                          const std::string& cache_folder) {
  std::vector<const std::string*> paths;
  for (const VocImage& image : images) {
    paths.push_back(&image.xml_path);
    paths.push_back(&image.jpeg_path);
  }
  const std::string cache_path = JoinPath(cache_folder, "file_digests.txt");
  std::string old_text;
  if (!cache_folder.empty() && PathExists(cache_path)) {
    YOLOQ_ASSIGN_OR_RETURN(old_text, ReadFile(cache_path));
  }
  Cache cache = ParseCache(old_text);

  std::vector<absl::StatusOr<FileDigest>> files(paths.size());
  WorkerPool(kThreads).ParallelFor(paths.size(), [&](int64_t i) {
    const auto known = cache.find(*paths[i]);
    files[i] =
        Digest(*paths[i], known == cache.end() ? nullptr : &known->second);
  });

  Sha256 digest;
  for (size_t i = 0; i < paths.size(); ++i) {
    YOLOQ_RETURN_IF_ERROR(files[i].status());
    if (i % 2 == 0) digest.Update(absl::StrCat(images[i / 2].id, "\n"));
    digest.Update(absl::StrCat(files[i]->sha256, "\n"));
    cache[*paths[i]] = *std::move(files[i]);
  }
  if (!cache_folder.empty()) {
    const std::string new_text = SerializeCache(cache);
    if (new_text != old_text) {
      YOLOQ_RETURN_IF_ERROR(MakeFolders(cache_folder));
      YOLOQ_RETURN_IF_ERROR(WriteFileAtomically(cache_path, new_text));
    }
  }
  return digest.Finish();
}

}  // namespace yoloq
