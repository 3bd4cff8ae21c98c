// Runs a libFuzzer target without libFuzzer: each corpus file named on the
// command line, then seeded mutations of it. With no file, seeded noise.
//
// It exists so that the ordinary compiler and `bazel test` exercise every
// fuzz target; the search itself is libFuzzer's (--config=fuzz).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kMutationsPerFile = 400;

std::vector<uint8_t> Mutate(std::vector<uint8_t> bytes, std::mt19937& random) {
  const int edits = 1 + random() % 8;
  for (int i = 0; i < edits; ++i) {
    const size_t at = bytes.empty() ? 0 : random() % bytes.size();
    switch (random() % 4) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<uint8_t>(random());
        break;
      case 1:
        if (!bytes.empty()) bytes.resize(at);
        break;
      case 2:
        bytes.insert(bytes.begin() + at, static_cast<uint8_t>(random()));
        break;
      default:
        if (!bytes.empty()) bytes.erase(bytes.begin() + at);
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::mt19937 random(1);
  int runs = 0;
  std::vector<std::vector<uint8_t>> corpus;
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "%s: cannot be read\n", argv[i]);
      return 1;
    }
    corpus.emplace_back(std::istreambuf_iterator<char>(file),
                        std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) corpus.emplace_back(64, uint8_t{0});
  for (const auto& seed : corpus) {
    LLVMFuzzerTestOneInput(seed.data(), seed.size());
    ++runs;
    for (int i = 0; i < kMutationsPerFile; ++i, ++runs) {
      const std::vector<uint8_t> mutated = Mutate(seed, random);
      LLVMFuzzerTestOneInput(mutated.data(), mutated.size());
    }
  }
  std::printf("%d inputs, none crashed\n", runs);
  return 0;
}
