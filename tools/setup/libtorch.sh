#!/usr/bin/env bash
# Prints the folder of a usable libtorch 2.11.0 (the one that holds lib/ and include/), fetching it
# into the cache first when it is not there. TORCH_DIR names one that exists already; then nothing
# is fetched. Messages go to stderr, the folder to stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=2.11.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora

check() { # folder -> 0 when it is libtorch of our version
  [ -f "$1/lib/libtorch_cpu.so" ] && [ -f "$1/include/ATen/ATen.h" ] || return 1
  grep -q "TORCH_VERSION_MAJOR 2$" "$1/include/torch/headeronly/version.h" 2>/dev/null &&
    grep -q "TORCH_VERSION_MINOR 11$" "$1/include/torch/headeronly/version.h"
}

if [ -n "${TORCH_DIR:-}" ]; then
  for candidate in "$TORCH_DIR" "$TORCH_DIR/torch"; do
    if check "$candidate"; then (cd "$candidate" && pwd) && exit 0; fi
  done
  echo "setup: TORCH_DIR is '$TORCH_DIR', but there is no libtorch $version there" \
    "(expected lib/libtorch_cpu.so and include/ATen/ATen.h of that version);" \
    "point it at the torch folder of a torch $version wheel, or unset it to have one fetched." >&2
  exit 1
fi

flavour=cpu
if ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'; then flavour=cuda; fi
target=$cache/libtorch-$version-$flavour
if check "$target/torch"; then echo "$target/torch" && exit 0; fi

for tool in python3 unzip; do
  command -v "$tool" >/dev/null || {
    echo "setup: $tool is missing; install it (Debian package: $tool), then run this again." >&2
    exit 1
  }
done
python3 -m pip --version >/dev/null 2>&1 || {
  echo "setup: Python's pip is missing (Debian package: python3-pip); it fetches the wheel." >&2
  exit 1
}

mkdir -p "$cache"
scratch=$(mktemp -d "$cache/libtorch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
platform=(--only-binary=:all: --implementation cp --python-version 3.11
  --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64
  --platform manylinux_2_25_x86_64 --platform manylinux_2_18_x86_64
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64)
echo "setup: fetching libtorch $version (0.54 GB; $flavour) into $cache" >&2
python3 -m pip --disable-pip-version-check download -q --no-deps --require-hashes \
  "${platform[@]}" -r "$here/libtorch.txt" -d "$scratch/wheels" >&2
mkdir "$scratch/tree"
if [ "$flavour" = cuda ]; then
  # Everything that the wheel's CUDA libraries need, versions as the torch wheel itself pins them.
  python3 -m pip --disable-pip-version-check download -q "${platform[@]}" \
    "$scratch"/wheels/torch-*.whl -d "$scratch/wheels" >&2
  for wheel in "$scratch"/wheels/*.whl; do
    case "$(basename "$wheel")" in
      torch-*) unzip -q "$wheel" 'torch/lib/*' 'torch/include/*' 'torch/version.py' -d "$scratch/tree" ;;
      nvidia_* | cuda_toolkit*) unzip -qo "$wheel" -d "$scratch/tree" ;;
    esac
  done
else
  unzip -q "$scratch"/wheels/torch-*.whl 'torch/lib/libtorch_cpu.so' 'torch/lib/libc10.so' \
    'torch/lib/libgomp*' 'torch/include/*' 'torch/version.py' -d "$scratch/tree"
  for wheel in "$scratch"/wheels/nvidia_*.whl; do unzip -qo "$wheel" -d "$scratch/tree"; done
fi
rm -rf "$target"
mv "$scratch/tree" "$target"
check "$target/torch" || {
  echo "setup: the libtorch unpacked into '$target' is incomplete; remove that folder and try again." >&2
  exit 1
}
echo "$target/torch"
