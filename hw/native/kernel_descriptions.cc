// What each kernel set is, without its functions: tile shapes, rates and the
// core that it is for. On every architecture, so that a computation can be
// planned for a core that is not here.
#include "hw/native/kernels.h"

namespace yoloq {
namespace native {
namespace {

// Of a desktop or server processor of the last years, with vectors of 32 or 64
// bytes: each core streams 12 bytes a cycle from beyond its own caches,
// whatever the others do.
CoreModel X86Core() {
  CoreModel core;
  core.vector_operations = 2;
  core.finish_operations = 10;
  core.input_operations = 4;
  core.output_operations = 6;
  core.core_bytes = 12;
  return core;
}

// A set and its core go by one name.
KernelSet X86Set(const char* name, int lanes) {
  KernelSet set;
  set.name = name;
  set.core = X86Core();
  set.core.name = name;
  set.lanes = lanes;
  set.winograd_stride_2 = true;
  return set;
}

// The Cortex-A53 of a Raspberry Pi 3B+ (BCM2837B0): in-order, 128-bit NEON of
// which about one instruction starts a cycle; 512 KB of second-level cache and
// one LPDDR2 memory for four cores. Memory benchmarks on that board see about
// 2 GB/s, by one core as by four: assumed here, at the board's 1.4 GHz. Of its
// 1 GB some 950 MB are left to Linux.
CoreModel CortexA53() {
  CoreModel core;
  core.name = "cortex_a53";
  core.clock_hz = 1.4e9;
  core.vector_operations = 1;
  core.instructions = 1;
  // By a fit to counts of instructions.
  core.finish_operations = 30;
  core.input_operations = 6;
  core.output_operations = 27;
  core.part_operations = 7.3;
  core.core_bytes = 2e9 / core.clock_hz;
  core.all_cores_bytes = core.core_bytes;
  core.cache_bytes = 512 * 1024;
  core.memory_bytes = 950 * 1000 * 1000;
  return core;
}

}  // namespace

KernelSet DescribePortable() {
  KernelSet set = X86Set("portable", 8);
  set.gemm_s16 = {"gemm_s16s16_4x8c1_portable", 4, 8, 1, 4};
  set.gemm_f32 = {"gemm_f32_4x8c1_portable", 4, 8, 1, 4};
  return set;
}

KernelSet DescribeAvx2() {
  KernelSet set = X86Set("avx2", 16);
  set.gemm_s16 = {"gemm_s16s16_5x16c2_avx2", 5, 16, 2, 32};
  set.gemm_f32 = {"gemm_f32_6x16c1_avx2", 6, 16, 1, 16};
  return set;
}

KernelSet DescribeAvx512Vnni() {
  KernelSet set = X86Set("avx512vnni", 32);
  set.gemm_u8 = {"gemm_u8s8_14x32c4_avx512vnni", 14, 32, 4, 128};
  set.gemm_s16 = {"gemm_s16s16_14x32c2_avx512vnni", 14, 32, 2, 64};
  set.gemm_f32 = {"gemm_f32_14x32c1_avx512", 14, 32, 1, 32};
  return set;
}

// Like AVX-512 with VNNI, but for direct INT8. Tiles start 1024
// multiply-accumulates a cycle, measured on a Xeon of model 207 (Emerald
// Rapids); 310 is what the 3 x 3 layers of YOLOv3-416 from 52 x 52 pixels on
// reached there, with all that a layer takes: four tiles of operands come from
// the caches for four products. It is still far above what Winograd at 64 can
// gain.
//
// Rows: two tiles of 16 at a time. Three times that, by which rows are shared
// out, leave YOLOv3-416's 676 pixels in 8 parts for as many threads; of its
// maps 169 pixels alone end in many rows that are not there.
KernelSet DescribeAvx512Amx() {
  KernelSet set = DescribeAvx512Vnni();
  set.name = "avx512amx";
  set.core.name = set.name;
  set.gemm_u8 = {"gemm_u8s8_96x32c4_avx512amx", 96, 32, 4, 310, 32};
  return set;
}

KernelSet DescribeNeonA53() {
  KernelSet set;
  set.name = "neon_a53";
  set.core = CortexA53();
  set.lanes = 8;
  // Rates: products of the inner loop of a whole tile over its instructions
  // (mca.sh prints them).
  set.gemm_s16 = {"gemm_s16s16_4x8c1_neon", 4, 8, 1, 1.2};
  set.gemm_s8 = {"gemm_s8s8_3x4c32_neon_a53", 3, 4, 32, 1536.0 / 266};
  set.picture = {"gemm_s8s8_2x4c28_neon_a53", 4, 112, 224.0 / 52};
  // With what it takes to read and write sums once every 128 values of k.
  set.gemm_tiled_f32 = {"gemm_f32_8x8c1_neon_a53", 8, 8, 4, 8192.0 / 2377};
  set.tiles.gemm_s16 = {"gemm_s16s16_6x16c1_neon_a53", 6, 16, 8, 1536.0 / 397};
  set.tiles.gemm_f32 = {"gemm_f32_8x8c1_neon_a53", 8, 8, 4, 512.0 / 146};
  return set;
}

}  // namespace native
}  // namespace yoloq
