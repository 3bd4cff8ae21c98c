// ARMv8.0-A without dot product, for Cortex-A53.
#include "hw/native/kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>

#include "hw/native/gemm_neon.h"

namespace yoloq {
namespace native {
namespace {

#define YOLOQ_VECTOR_BYTES 16
#include "hw/native/vector_kernels.inc"
#include "hw/native/vector_kernels_neon.inc"
#include "hw/native/winograd_tiles_neon.inc"

KernelSet MakeKernels() {
  KernelSet set;
  set.name = "neon_a53";
  // Rates by instructions: what loads and loops leave of one a cycle.
  set.gemm_s16 = {"gemm_s16s16_4x8c1_neon", 4, 8, 1, 1.2, GemmS16Rows4x8};
  set.gemm_f32 = {"gemm_f32_4x16c1_neon_a53", 4, 16, 1, 3.5, GemmF32Rows4x16};
  set.gemm_s8 = {"gemm_s8s8_3x4c32_neon_a53",
                 3,
                 4,
                 32,
                 5.5,
                 GemmS8Rows3x4,
                 ArrangeS8,
                 S8PanelBytes,
                 PackS8Panel,
                 FinishSumsNeon<0>};
  set.picture = {"gemm_s8s8_2x4c28_neon_a53",
                 4,
                 112,
                 4.5,
                 GemmPicture2x4,
                 PackPicturePanel};
  SetVectorKernels(&set);
  set.finish_bytes = FinishBytesNeon;
  SetTileKernels<4, 4>(0, 0, &set);
  SetTileKernels<4, 2>(0, 1, &set);
  SetTileKernels<4, 1>(0, 2, &set);
  SetTileKernels<2, 4>(1, 0, &set);
  SetTileKernels<2, 2>(1, 1, &set);
  SetTileKernels<2, 1>(1, 2, &set);
  SetTileKernels<1, 4>(2, 0, &set);
  SetTileKernels<1, 2>(2, 1, &set);
  SetTileKernels<1, 1>(2, 2, &set);
  set.tiles.finish_bytes = FinishSumsNeon<kOutputFraction>;
  set.tiles.gemm_s16 = {"gemm_s16s16_6x16c1_neon_a53",
                        6,
                        16,
                        8,
                        3.7,
                        GemmS16Quads6x16,
                        InterleaveS16};
  return set;
}

}  // namespace

const KernelSet* NeonA53Kernels() {
  static const KernelSet set = MakeKernels();
  return &set;
}

}  // namespace native
}  // namespace yoloq

#else

const yoloq::native::KernelSet* yoloq::native::NeonA53Kernels() {
  return nullptr;
}

#endif
