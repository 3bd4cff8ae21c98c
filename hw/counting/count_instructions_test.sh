#!/usr/bin/env bash
# Counts of a slim network are the same in each run, and layers add up.
set -euo pipefail
count=$1

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

for run in native/int8 native/fp32 xnnpack/int8; do
  "$count" --width=0.125 --size=64 "$run" >first
  "$count" --width=0.125 --size=64 "$run" >second
  total=$(awk -F'\t' '$1 == "forward pass" { print $7 }' first)
  again=$(awk -F'\t' '$1 == "forward pass" { print $7 }' second)
  layers=$(awk -F'\t' '$1 == "all layers" { print $7 }' first)
  between=$(awk -F'\t' '$1 == "between layers" { print $7 }' first)
  sum=$(awk -F'\t' 'NF == 9 { sum += $7 } END { print sum }' first)
  echo "$run: $total instructions, then $again; layers $layers"
  # For 12 million multiply-accumulates.
  ((total > 1000000 && total < 100000000)) || fail "$run: $total is no count"
  difference=$((total > again ? total - again : again - total))
  ((difference * 10000 <= total)) || fail "$run: $total and $again instructions"
  ((sum == layers)) || fail "$run: the layers' sum is $sum, not $layers"
  ((layers + between == total && between >= 0 && between * 10 < total)) ||
    fail "$run: $between instructions between layers"
done
