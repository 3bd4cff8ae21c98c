#!/usr/bin/env bash
# Instructions that one forward pass of YOLOv3 executes on a Cortex-A53 with one
# thread, exactly, layer by layer: user-mode emulation that counts.
#
#   bazel run //hw:count_instructions [-- [--width=1] [--size=416]
#       [--transform_budget_mb=N] [ENGINE/PRECISION ...]]
#
# ENGINE/PRECISION is native or xnnpack, int8 or fp32; without any, all four.
# Prints a table for each (count.cc) and the totals. The whole network takes
# minutes. A count is not a time. --transform_budget_mb: as of //hw:bench; without
# it that of the emulating machine: no limit from 4 GiB on, while a board has 0.
set -euo pipefail

# Beside the runfiles, or inside those of a test.
here=$0.runfiles/yoloq/hw/counting
[[ -d $here ]] || here=$(dirname "$0")

fail() {
  echo "count_instructions: $*" >&2
  exit 1
}

width=1 size=416 budget=() runs=()
for argument; do
  case $argument in
    --width=*) width=${argument#*=} ;;
    --transform_budget_mb=*) budget=("${argument#*=}") ;;
    --size=*) size=${argument#*=} ;;
    native/int8 | native/fp32 | xnnpack/int8 | xnnpack/fp32) runs+=("$argument") ;;
    *) fail "unknown argument '$argument'" ;;
  esac
done
((${#runs[@]})) || runs=(native/int8 native/fp32 xnnpack/int8 xnnpack/fp32)

command -v qemu-aarch64 >/dev/null ||
  fail "there is no qemu-aarch64 (package qemu-user); run tools/setup"
sysroot=$(<"$here/sysroot_path.txt")
[[ -d $sysroot ]] || fail "there is no sysroot at $sysroot; run tools/setup"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

totals=()
for run in "${runs[@]}"; do
  engine=${run%/*} precision=${run#*/}
  # XNNPACK has no leaky ReLU of INT8 in one step.
  leaky=fused
  [[ $engine == xnnpack ]] && leaky=two_step
  "$here/write_model" "$scratch/model" "$precision" "$leaky" "$width" "$size"
  head -c 8 /dev/zero >"$scratch/count"
  echo "# YOLOv3-$size, width $width, engine $engine, $precision"
  qemu-aarch64 -cpu cortex-a53 -L "$sysroot" \
    -plugin "$here/libcounting_plugin.so,count=$scratch/count" \
    "$here/count_bundle/count" "$engine" "$scratch/model" "$scratch/count" "${budget[@]}" |
    tee "$scratch/table"
  totals+=("$run"$'\t'"$(tail -n 1 "$scratch/table" | cut -f 7)")
done
echo "# Instructions of one forward pass"
printf '%s\n' "${totals[@]}"
