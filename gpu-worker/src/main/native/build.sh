#!/usr/bin/env bash
# Builds the native kernels: build.sh OUT writes OUT/libaltiplano-kernels.so, or OUT/unavailable.txt with the reason why it
# could not. It never fails a build: without the library the engine computes the same bits in pure Java.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
out=${1:?"usage: build.sh OUT"}
library=$out/libaltiplano-kernels.so
sources=(kernels weights_fma weights_vbmi attention attention_vbmi rows limits)
compiler=${CXX:-g++}

mkdir -p "$out" || exit 1
if [ -f "$library" ] && [ -z "$(find "$here" -newer "$library" -print -quit)" ]; then
  exit 0
fi
rm -f "$library" "$out/unavailable.txt"

unavailable() {
  printf '%s\n' "$1" > "$out/unavailable.txt"
  printf 'native kernels are not built: %s; the pure-Java ones serve\n' "$1" >&2
  exit 0
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || unavailable "built on $(uname -s) $(uname -m), not on Linux x86_64"
command -v "$compiler" > /dev/null || unavailable "no C++ compiler '$compiler' when it was built"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
objects=()
avx512="-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512"
for source in "${sources[@]}"; do
  case $source in
    kernels) target="" ;;
    attention_vbmi) target="$avx512 -mavx512vbmi" ;;
    weights_vbmi | limits) target="$avx512 -mavx512vbmi -mavx512bf16" ;;
    *) target=$avx512 ;;
  esac
  # Contraction or fast-math would change the order of sums, which is the kernels' contract. GCC's own AVX-512 headers
  # set off the two warnings.
  # shellcheck disable=SC2086
  "$compiler" -std=c++17 -O3 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -fno-math-errno -ffp-contract=off \
    -fno-strict-aliasing -Wall -Wextra -Wno-uninitialized -Wno-maybe-uninitialized $target -c "$here/$source.cpp" \
    -o "$work/$source.o" 2> "$work/errors" \
    || { head -20 "$work/errors" >&2; unavailable "$compiler could not compile $source.cpp"; }
  objects+=("$work/$source.o")
done
# No C++ runtime is used, so none need be there.
"$compiler" -shared -nodefaultlibs -o "$work/library.so" "${objects[@]}" -lgcc -lc || unavailable "$compiler could not link"
mv "$work/library.so" "$library"
