#include "hw/native/isa.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "tools/base/testing.h"

namespace yoloq {
namespace native {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// kernels.h: what a table entry must have for packing and epilogues to fit.
// `together`: values of k that lie together, KR.
template <typename GemmType>
void ExpectUsable(const GemmType& gemm, int together, const KernelSet& set) {
  ASSERT_NE(gemm.run, nullptr);
  EXPECT_GT(gemm.rows, 0);
  EXPECT_GT(gemm.depth, 0);
  EXPECT_GT(gemm.rate, 0);
  EXPECT_EQ(gemm.columns % set.lanes, 0);
  const std::string tile = std::to_string(gemm.rows) + "x" +
                           std::to_string(gemm.columns) + "c" +
                           std::to_string(together) + "_";
  EXPECT_THAT(gemm.name, HasSubstr(tile));
}

TEST(IsaTest, EverySetIsWhole) {
  std::set<std::string> names;
  for (const KernelSet* set : AvailableKernels()) {
    SCOPED_TRACE(set->name);
    EXPECT_TRUE(names.insert(set->name).second);
    if (set->gemm_u8.run != nullptr) {
      ExpectUsable(set->gemm_u8, set->gemm_u8.depth, *set);
      EXPECT_EQ(set->gemm_u8.rows % set->gemm_u8.row_step, 0);
    }
    ExpectUsable(set->gemm_s16, set->gemm_s16.depth, *set);
    if (set->gemm_tiled_f32.run != nullptr) {
      ExpectUsable(set->gemm_tiled_f32, /*together=*/1, *set);
      ExpectUsable(set->tiles.gemm_f32, /*together=*/1, *set);
    } else {
      ExpectUsable(set->gemm_f32, set->gemm_f32.depth, *set);
    }
    EXPECT_NE(set->input_2_s16, nullptr);
    EXPECT_NE(set->output_2_s32.across, nullptr);
    EXPECT_NE(set->output_2_s32.down, nullptr);
    for (const int down : {0, 1, 2}) {
      for (const int across : {0, 1, 2}) {
        EXPECT_NE(set->input_4_s16[down][across], nullptr);
        EXPECT_NE(set->input_4_f32[down][across], nullptr);
      }
      EXPECT_NE(set->output_4_s32[down].across, nullptr);
      EXPECT_NE(set->output_4_s32[down].down, nullptr);
      EXPECT_NE(set->output_4_f32[down].across, nullptr);
      EXPECT_NE(set->output_4_f32[down].down, nullptr);
    }
    if (set->winograd_stride_2) {
      EXPECT_NE(set->input_4_stride_2_s16, nullptr);
      EXPECT_NE(set->input_4_stride_2_f32, nullptr);
      EXPECT_NE(set->output_4_stride_2_s32.across, nullptr);
      EXPECT_NE(set->output_4_stride_2_s32.down, nullptr);
      EXPECT_NE(set->output_4_stride_2_f32.across, nullptr);
      EXPECT_NE(set->output_4_stride_2_f32.down, nullptr);
    }
    for (const int row : {0, 1, 2, 3, 4, 5}) {
      EXPECT_NE(set->weights_4_s16.rows[row], nullptr);
      EXPECT_NE(set->weights_4_f32.rows[row], nullptr);
    }
    for (const FinishTilesKernel finish : set->finish_tiles_4) {
      EXPECT_EQ(finish != nullptr, set->finish_tiles_4[0] != nullptr);
      if (finish == nullptr) continue;
      EXPECT_EQ(set->gemm_s16.columns, set->lanes);
    }
    // Epilogues' arrays are padded for as much (finisher.cc).
    EXPECT_LE(set->gemm_s16.columns, std::max(2 * set->lanes, 16));
    EXPECT_NE(set->finish_bytes, nullptr);
    EXPECT_NE(set->finish_reals, nullptr);
    EXPECT_NE(set->gather_runs, nullptr);
    EXPECT_NE(set->widen, nullptr);
    EXPECT_NE(set->depthwise_u8, nullptr);
    EXPECT_NE(set->depthwise_f32, nullptr);
  }
  EXPECT_EQ(names.count("portable"), 1);
}

TEST(IsaTest, DescriptionsAreThoseOfTheSets) {
  for (const KernelSet* set : AvailableKernels()) {
    SCOPED_TRACE(set->name);
    const auto described = FindDescription(set->name);
    ASSERT_TRUE(described.ok()) << described.status();
    EXPECT_EQ((*described)->lanes, set->lanes);
    EXPECT_STREQ((*described)->gemm_s16.name, set->gemm_s16.name);
    // A set computes with what its description says that it has, and no more.
    EXPECT_EQ((*described)->gemm_u8.rows > 0, set->gemm_u8.run != nullptr);
    EXPECT_EQ((*described)->gemm_s8.rows > 0, set->gemm_s8.run != nullptr);
    EXPECT_EQ((*described)->gemm_f32.rows > 0, set->gemm_f32.run != nullptr);
    EXPECT_EQ((*described)->gemm_tiled_f32.rows > 0,
              set->gemm_tiled_f32.run != nullptr);
    EXPECT_EQ((*described)->tiles.gemm_s16.rows > 0,
              set->tiles.gemm_s16.run != nullptr);
    EXPECT_EQ((*described)->tiles.gemm_f32.rows > 0,
              set->tiles.gemm_f32.run != nullptr);
    EXPECT_EQ((*described)->gemm_s16.run, nullptr);
  }
}

// The fastest first: as they are described, but for the core that no x86 has.
TEST(IsaTest, PrefersTheFastest) {
  std::vector<std::string> described;
  for (const KernelSet& set : DescribedKernels()) described.push_back(set.name);
  std::vector<std::string> available;
  for (const KernelSet* set : AvailableKernels()) {
    available.push_back(set->name);
  }
  EXPECT_THAT(described, ElementsAre("neon_a53", "avx512amx", "avx512vnni",
                                     "avx2", "portable"));
  auto at = described.begin();
  for (const std::string& name : available) {
    at = std::find(at, described.end(), name);
    EXPECT_NE(at, described.end()) << name;
  }
}

// Linux's own word on what the processor has and the system keeps.
TEST(IsaTest, OffersAmxWhereLinuxHasIt) {
  // Files of /proc have no size, so that they cannot be mapped.
  std::ifstream file("/proc/cpuinfo");
  std::ostringstream cpuinfo;
  cpuinfo << file.rdbuf();
  ASSERT_FALSE(cpuinfo.str().empty());
  const bool listed = absl::StrContains(cpuinfo.str(), " amx_tile") &&
                      absl::StrContains(cpuinfo.str(), " amx_int8") &&
                      absl::StrContains(cpuinfo.str(), " avx512_vnni");
  if (FindKernels("avx512amx").ok()) {
    EXPECT_TRUE(listed);
    EXPECT_EQ(AvailableKernels().front(), Avx512AmxKernels());
    EXPECT_TRUE(FindKernels("avx512vnni").ok());
  } else if (listed) {
    std::printf("AMX is there, but this system does not grant it\n");
  }
}

TEST(IsaTest, DescribesEveryCore) {
  for (const KernelSet& set : DescribedKernels()) {
    SCOPED_TRACE(set.name);
    EXPECT_GT(set.lanes, 0);
    EXPECT_GT(set.core.vector_operations, 0);
    EXPECT_GT(set.core.core_bytes, 0);
    EXPECT_EQ(*FindDescription(set.core.name), &set);
  }
  EXPECT_STREQ((*FindDescription("cortex_a53"))->name, "neon_a53");
  EXPECT_STREQ((*FindDescription(""))->name, AvailableKernels().front()->name);
  EXPECT_THAT(FindDescription("z80"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no core named \"z80\"")));
}

TEST(IsaTest, FindsByName) {
  EXPECT_EQ(*FindKernels(""), AvailableKernels().front());
  EXPECT_EQ(*FindKernels("portable"), PortableKernels());
  EXPECT_THAT(FindKernels("sse"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("no kernels named \"sse\"")));
}

}  // namespace
}  // namespace native
}  // namespace yoloq
