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
  KernelSet set = DescribeNeonA53();
  set.gemm_s16.run = GemmS16Rows4x8;
  set.gemm_s8.run = GemmS8Rows3x4;
  set.gemm_s8.arrange = ArrangeS8;
  set.gemm_s8.panel_bytes = S8PanelBytes;
  set.gemm_s8.pack = PackS8Panel;
  set.gemm_tiled_f32.run = GemmF32Pairs8x8;
  set.gemm_tiled_f32.arrange = ArrangeF32;
  set.gemm_tiled_f32.pack = PackF32Panel;
  set.picture.run = GemmPicture2x4;
  set.picture.pack = PackPicturePanel;
  SetVectorKernels(&set);
  set.finish_bytes = FinishBytesNeon;
  set.finish_reals = FinishRealsNeon;
  SetTileKernels<4, 4>(0, 0, &set);
  SetTileKernels<4, 2>(0, 1, &set);
  SetTileKernels<4, 1>(0, 2, &set);
  SetTileKernels<2, 4>(1, 0, &set);
  SetTileKernels<2, 2>(1, 1, &set);
  SetTileKernels<2, 1>(1, 2, &set);
  SetTileKernels<1, 4>(2, 0, &set);
  SetTileKernels<1, 2>(2, 1, &set);
  SetTileKernels<1, 1>(2, 2, &set);
  set.tiles.gemm_s16.run = GemmS16Quads6x16;
  set.tiles.gemm_s16.interleave = InterleaveS16;
  set.tiles.gemm_f32.run = GemmF32Panel8x8;
  set.tiles.gemm_f32.interleave = InterleaveF32;
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
