#!/usr/bin/env bash
# What llvm-mca makes of the inner loops for Cortex-A53: for each, multiplications
# and SADALPs an iteration, instructions, cycles, and the share of cycles in which
# one of the former starts (the processor starts at most one a cycle).
#
#   bazel run //hw/native:mca
#
# The model retires in order: a load that is shorter than the multiplications
# before it waits for them. So it charges loads cycles that the processor need
# not take, and shows a lower bound.
set -euo pipefail

here=$0.runfiles/yoloq
[[ -d $here ]] || here=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for tool in aarch64-linux-gnu-g++ llvm-mca; do
  command -v "$tool" >/dev/null || {
    echo "mca: there is no $tool; run tools/setup" >&2
    exit 1
  }
done

readonly iterations=200
printf '%-20s %8s %12s %8s %6s\n' loop NEON instructions cycles share
for name in gemm_neon_s16 gemm_neon_s8 gemm_neon_picture gemm_neon_f32; do
  aarch64-linux-gnu-g++ -std=c++17 -O3 -I"$here" -S -o "$scratch/$name.s" "$here/hw/native/$name.cc"
  # llvm-mca also complains of branches to labels outside of a loop, and goes on.
  llvm-mca -mtriple=aarch64 -mcpu=cortex-a53 -iterations=$iterations \
    -instruction-info=0 -resource-pressure=0 "$scratch/$name.s" \
    >"$scratch/$name.mca" 2>/dev/null || true
  grep -q 'Code Region' "$scratch/$name.mca" || {
    echo "mca: llvm-mca said nothing about $name" >&2
    exit 1
  }
  awk -v iterations=$iterations '
    FNR == NR {
      if (/LLVM-MCA-BEGIN/) loop = $NF
      else if (/LLVM-MCA-END/) loop = ""
      else if (loop != "" && $1 ~ /^(smlal2?|smull2?|fmla|sadalp)$/) ++neon[loop]
      next
    }
    /Code Region/ { loop = $NF }
    /^Instructions:/ { instructions = $2 / iterations }
    /^Total Cycles:/ {
      cycles = $3 / iterations
      printf "%-20s %8d %12d %8.1f %5.1f%%\n", loop, neon[loop], instructions, cycles, 100 * neon[loop] / cycles
    }' "$scratch/$name.s" "$scratch/$name.mca"
done
