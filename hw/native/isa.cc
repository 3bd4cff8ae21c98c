#include "hw/native/isa.h"

#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace yoloq {
namespace native {
namespace {

bool HasAvx2() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool HasAvx512Vnni() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

#if defined(__x86_64__)

// The system keeps the state `component` (a bit of XCR0) of threads.
bool SystemKeeps(int component) {
  uint32_t low = 0;
  uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low >> component & 1) != 0;
}

// Linux keeps the tiles' data of a process that has asked for it, which is more
// than its signal stacks may have room for; before 5.16 it has none to give.
// Holds for all threads, those that are there and those to come.
bool IsGrantedTiles() {
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool FindAmx() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  // AVX-512 first: that xgetbv is there follows from it.
  if (!HasAvx512Vnni() || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    return false;
  }
  const bool has_tiles = (edx >> 24 & 1) != 0;
  const bool has_int8 = (edx >> 25 & 1) != 0;
  return has_tiles && has_int8 && SystemKeeps(17) && SystemKeeps(18) &&
         IsGrantedTiles();
}

bool HasAvx512Amx() {
  static const bool has = FindAmx();
  return has;
}

#else

bool HasAvx512Amx() { return false; }

#endif

}  // namespace

std::vector<const KernelSet*> AvailableKernels() {
  std::vector<const KernelSet*> sets;
  if (HasAvx512Amx()) sets.push_back(Avx512AmxKernels());
  if (HasAvx512Vnni()) sets.push_back(Avx512VnniKernels());
  if (HasAvx2()) sets.push_back(Avx2Kernels());
  // Part of every ARMv8-A.
  if (NeonA53Kernels() != nullptr) sets.push_back(NeonA53Kernels());
  sets.push_back(PortableKernels());
  return sets;
}

absl::StatusOr<const KernelSet*> FindKernels(absl::string_view name) {
  const std::vector<const KernelSet*> sets = AvailableKernels();
  if (name.empty()) return sets.front();
  for (const KernelSet* set : sets) {
    if (name == set->name) return set;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no kernels named \"", name, "\" for this processor; there are: ",
      absl::StrJoin(sets, ", ", [](std::string* out, const KernelSet* set) {
        absl::StrAppend(out, set->name);
      })));
}

const std::vector<KernelSet>& DescribedKernels() {
  static const auto* const sets = new std::vector<KernelSet>{
      DescribeNeonA53(), DescribeAvx512Amx(), DescribeAvx512Vnni(),
      DescribeAvx2(), DescribePortable()};
  return *sets;
}

absl::StatusOr<const KernelSet*> FindDescription(absl::string_view name) {
  if (name.empty()) name = AvailableKernels().front()->name;
  for (const KernelSet& set : DescribedKernels()) {
    if (name == set.name || name == set.core.name) return &set;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no core named \"", name, "\"; there are: ",
                   absl::StrJoin(DescribedKernels(), ", ",
                                 [](std::string* out, const KernelSet& set) {
                                   absl::StrAppend(out, set.core.name);
                                 })));
}

int64_t SecondLevelCacheBytes() {
  const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? bytes : 512 * 1024;
}

}  // namespace native
}  // namespace yoloq
