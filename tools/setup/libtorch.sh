#!/usr/bin/env bash
# Prints the folder of a usable libtorch 2.11.0 (the one that holds lib/ and include/), fetching it
# into the cache first when it is not there. TORCH_DIR names one that exists already; then nothing
# is fetched. Messages go to stderr, the folder to stdout.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=2.11.0

check() { # folder -> 0 when it is libtorch of our version
  [ -f "$1/lib/libtorch_cpu.so" ] && [ -f "$1/lib/libc10.so" ] &&
    [ -f "$1/include/ATen/ATen.h" ] || return 1
  grep -q "TORCH_VERSION_MAJOR 2$" "$1/include/torch/headeronly/version.h" 2>/dev/null &&
    grep -q "TORCH_VERSION_MINOR 11$" "$1/include/torch/headeronly/version.h"
}
say() { echo "setup: $*" >&2; }
stop() { say "$@" && exit 1; }

if [ -n "${TORCH_DIR:-}" ]; then
  for candidate in "$TORCH_DIR" "$TORCH_DIR/torch"; do
    if check "$candidate"; then (cd "$candidate" && pwd) && exit 0; fi
  done
  stop "TORCH_DIR is '$TORCH_DIR', but there is no libtorch $version there" \
    "(expected lib/libtorch_cpu.so and include/ATen/ATen.h of that version);" \
    "point it at the torch folder of a torch $version wheel, or unset it to have one fetched."
fi

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] ||
  stop "neither XDG_CACHE_HOME nor HOME is set; set one, libtorch $version goes into a folder there."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
flavour=cpu
if PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep 'libcuda\.so\.1' >/dev/null; then flavour=cuda; fi
target=$cache/libtorch-$version-$flavour
if check "$target/torch"; then echo "$target/torch" && exit 0; fi

[ "$(uname -m)" = x86_64 ] ||
  stop "libtorch $version is fetched for x86_64, this machine is $(uname -m); set TORCH_DIR to one for it."
mkdir -p "$cache" 2>/dev/null || stop "'$cache' cannot be made; libtorch $version goes there."
# One fetch at a time; the second to come finds what the first has brought.
exec 9>"$cache/libtorch.lock" || stop "'$cache' cannot be written; libtorch $version goes there."
flock -n 9 || { say "waiting for another fetch of libtorch" && flock 9; }
if check "$target/torch"; then echo "$target/torch" && exit 0; fi
rm -rf "$cache"/libtorch.??????  # left by a fetch that was killed

"$here/packages.sh" debian-packages-fetch.txt
for tool in python3 unzip; do
  command -v "$tool" >/dev/null || stop "$tool is missing; install it, then run this again."
done
python3 -m pip --version >/dev/null 2>&1 ||
  stop "Python's pip is missing (Debian package: python3-pip); it fetches the wheel."

need=3; [ "$flavour" = cpu ] || need=16
free=$(df -P -k "$cache" | awk 'NR == 2 { print $4 }')
[ "$free" -ge $((need * 1000000)) ] ||
  stop "'$cache' has $((free / 1000)) MB free; fetching and unpacking libtorch needs $need GB."

scratch=$(mktemp -d "$cache/libtorch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
platform=(--only-binary=:all: --implementation cp --python-version 3.11
  --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64
  --platform manylinux_2_25_x86_64 --platform manylinux_2_18_x86_64
  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64)
# --no-deps: the libraries for a GPU are 4 GB that a machine without one has no use for.
lists=(-r "$here/libtorch.txt")
[ "$flavour" = cpu ] || lists+=(-r "$here/libtorch-cuda.txt")
size="0.54 GB"; [ "$flavour" = cpu ] || size="several GB, for a GPU"
say "fetching libtorch $version into $cache ($size)"
# 9>&-: what pip starts must not hold the lock.
TMPDIR=$scratch python3 -m pip --disable-pip-version-check download -q --no-cache-dir --no-input \
  --retries 5 --no-deps --require-hashes "${platform[@]}" "${lists[@]}" -d "$scratch/wheels" \
  </dev/null >&2 9>&- ||
  stop "libtorch $version could not be fetched (pip's reason stands above);" \
    "mend that and run this again, or set TORCH_DIR to one that is there already."
mkdir "$scratch/tree"
unpack() { unzip -qo "$@" -d "$scratch/tree" >&2 || stop "'$1' could not be unpacked (is the disk full?)."; }
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
