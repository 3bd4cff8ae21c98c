#!/usr/bin/env bash
# The bundle that is pushed to a device: small enough, complete beside glibc,
# and for the glibc of bookworm.
set -euo pipefail
bundle=$1
readonly max_bytes=12000000 max_glibc=2.36
readonly glibc=(ld-linux-aarch64.so.1 libc.so.6 libdl.so.2 libm.so.6 libpthread.so.0 librt.so.1)

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

bytes=$(cat "$bundle"/* | wc -c)
echo "$bytes bytes"
((bytes < max_bytes)) || fail "the bundle has $bytes bytes, the limit is $max_bytes"

for file in "$bundle"/*; do
  aarch64-linux-gnu-readelf -h "$file" | grep -q 'Machine: *AArch64' ||
    fail "$file is not for aarch64"
  aarch64-linux-gnu-readelf -S "$file" | grep -q ' \.symtab ' && fail "$file is not stripped"
  for needed in $(aarch64-linux-gnu-readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
    [[ -e $bundle/$needed || " ${glibc[*]} " == *" $needed "* ]] ||
      fail "$file needs $needed, which is neither in the bundle nor of glibc"
  done
  newest=$(aarch64-linux-gnu-readelf -V "$file" | grep -o 'GLIBC_[0-9.]*' | cut -d_ -f2 | sort -V | tail -n 1)
  echo "$(basename "$file"): glibc $newest"
  [[ $(printf '%s\n' "$newest" "$max_glibc" | sort -V | tail -n 1) == "$max_glibc" ]] ||
    fail "$file needs glibc $newest, newer than $max_glibc"
done
# A RUNPATH would not reach what the libraries need in turn.
aarch64-linux-gnu-readelf -d "$bundle/bench" | grep -q '(RPATH).*\[\$ORIGIN\]' ||
  fail "bench has no RPATH of \$ORIGIN"
# The device has neither descriptors nor text format.
! grep -q 'google.protobuf.FileDescriptorProto' "$bundle/bench" ||
  fail "bench holds the full protobuf library"
