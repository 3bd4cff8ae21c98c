#!/usr/bin/env bash
# The inner loops of whole tiles start a multiplication (or SADALP) in at least
# 80 % of the cycles that llvm-mca gives them on a Cortex-A53. Tiles of fewer
# rows are remainders.
set -euo pipefail

table=$(hw/native/mca.sh)
echo "$table"
for loop in gemm_s16s16_6x16 gemm_s16s16_5x16 gemm_s8s8_3x4 gemm_s8s8_2x4c28 gemm_f32_8x8 gemm_f32_7x8; do
  share=$(awk -v loop="$loop" '$1 == loop { print int($5) }' <<<"$table")
  [[ -n $share ]] || {
    echo "FAIL: there is no loop $loop" >&2
    exit 1
  }
  ((share >= 80)) || {
    echo "FAIL: $loop reaches $share %" >&2
    exit 1
  }
done
