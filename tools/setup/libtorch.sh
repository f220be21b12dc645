#!/usr/bin/env bash
# Prints the folder of a usable libtorch 2.11.0 (the one that holds lib/ and include/), fetching it
# into the cache first when it is not there. TORCH_DIR names one that exists already; then nothing
# is fetched. Messages go to stderr, the folder to stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/wheels.sh"
version=2.11.0

check() { # folder -> 0 when it is libtorch of our version
  [ -f "$1/lib/libtorch_cpu.so" ] && [ -f "$1/lib/libc10.so" ] &&
    [ -f "$1/include/ATen/ATen.h" ] || return 1
  grep -q "TORCH_VERSION_MAJOR 2$" "$1/include/torch/headeronly/version.h" 2>/dev/null &&
    grep -q "TORCH_VERSION_MINOR 11$" "$1/include/torch/headeronly/version.h"
}

if [ -n "${TORCH_DIR:-}" ]; then
  for candidate in "$TORCH_DIR" "$TORCH_DIR/torch"; do
    if check "$candidate"; then (cd "$candidate" && pwd) && exit 0; fi
  done
  stop "TORCH_DIR is '$TORCH_DIR', but there is no libtorch $version there" \
    "(expected lib/libtorch_cpu.so and include/ATen/ATen.h of that version);" \
    "point it at the torch folder of a torch $version wheel, or unset it to have one fetched."
fi

need_cache "libtorch $version"
flavour=cpu
if PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep 'libcuda\.so\.1' >/dev/null; then flavour=cuda; fi
target=$cache/libtorch-$version-$flavour
if check "$target/torch"; then echo "$target/torch" && exit 0; fi

lock_cache "libtorch $version" libtorch "; set TORCH_DIR to one for it"
if check "$target/torch"; then echo "$target/torch" && exit 0; fi
need_fetching_tools

need=3; [ "$flavour" = cpu ] || need=16
free=$(df -P -k "$cache" | awk 'NR == 2 { print $4 }')
[ "$free" -ge $((need * 1000000)) ] ||
  stop "'$cache' has $((free / 1000)) MB free; fetching and unpacking libtorch needs $need GB."

make_scratch libtorch
platform=(--implementation cp --python-version 3.11
  --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64
  --platform manylinux_2_25_x86_64 --platform manylinux_2_18_x86_64
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64)
# --no-deps: the libraries for a GPU are 4 GB that a machine without one has no use for.
lists=(-r "$here/libtorch.txt")
[ "$flavour" = cpu ] || lists+=(-r "$here/libtorch-cuda.txt")
size="0.54 GB"; [ "$flavour" = cpu ] || size="several GB, for a GPU"
say "fetching libtorch $version into $cache ($size)"
fetch_wheels "${platform[@]}" "${lists[@]}" ||
  stop "libtorch $version could not be fetched (pip's reason stands above);" \
    "mend that and run this again, or set TORCH_DIR to one that is there already."
if [ "$flavour" = cuda ]; then
  unpack "$scratch"/wheels/torch-*.whl 'torch/lib/*' 'torch/include/*' 'torch/version.py'
else
  unpack "$scratch"/wheels/torch-*.whl 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' \
    'torch/lib/libgomp*' 'torch/include/*' 'torch/version.py'
fi
for wheel in "$scratch"/wheels/*.whl; do
  case "$(basename "$wheel")" in
    nvidia_*) unpack "$wheel" ;;
  esac
done
check "$scratch/tree/torch" ||
  stop "the wheel of torch $version did not unpack to a whole libtorch; run this again."
rm -rf "$target"
mv "$scratch/tree" "$target"  # whole, or not there
echo "$target/torch"
