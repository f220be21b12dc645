#!/usr/bin/env bash
# Makes dist/iclora-VERSION-linux-x86_64 from a built preset: make.sh [PRESET]; beside it
# dist/iclora-VERSION-models, which is the same on every machine (models, classifier, adapters).
# The folder may be moved anywhere. Inside: the program, its library, and every shared library they
# need except glibc (2.36 or newer of the system) and libtorch (TORCH_DIR, or the user's cache).
# libexec/iclora-http takes the system's libcurl: thirty libraries stand behind that, among them TLS,
# which has to be kept safe and trusts the system's certificates; a copy would be neither.
set -euo pipefail
preset=${1:-release}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
build=build/$preset
version=$(sed -n 's/^CMAKE_PROJECT_VERSION:[A-Z]*=//p' "$build/CMakeCache.txt")
name=iclora-$version-linux-$(uname -m)
limit=$((40 * 1000 * 1000))
mkdir -p dist
scratch=$(mktemp -d dist/.making.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/$name
cmake --install "$build" --prefix "$root/$tree" --strip >/dev/null
mkdir -p "$tree/share/iclora/licences"
mv "$tree/share/iclora/models" "$scratch/models"

# What glibc itself brings, and what libtorch brings.
stays_outside() {
  case "$1" in
    ld-linux*.so* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | \
      libresolv.so.* | libutil.so.* | libc10.so | libtorch*.so | libgomp*.so*) return 0 ;;
  esac
  return 1
}
# ldd gives the whole closure; libtorch's own part of it is not resolved and not wanted.
declare -A seen=()
while read -r library path; do
  if stays_outside "$library" || [ -n "${seen[$library]:-}" ] || [ "$library" = libiclora.so ]; then
    continue
  fi
  seen[$library]=1
  if [ "$path" = not ]; then
    echo "dist: $library, which the program needs, was not found on this system." >&2
    exit 1
  fi
  cp -L "$path" "$tree/lib/$library"
  chmod 644 "$tree/lib/$library"
  # Its licence, as Debian ships it.
  real=$(readlink -f "$path")
  package=$(dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}" 2>/dev/null || true)
  package=${package%%:*}
  if [ -z "$package" ] || [ ! -f "/usr/share/doc/$package/copyright" ]; then
    echo "dist: no licence text was found for $library ($real)." >&2
    exit 1
  fi
  cp -L "/usr/share/doc/$package/copyright" "$tree/share/iclora/licences/$package.txt"
done < <(LD_LIBRARY_PATH= ldd "$tree/bin/iclora" "$tree/lib/libiclora.so" | awk '$2 == "=>" { print $1, $3 }')
# Header-only and static parts of the program, and the font in it.
for package in libcli11-dev nlohmann-json3-dev fonts-dejavu-core; do
  cp -L "/usr/share/doc/$package/copyright" "$tree/share/iclora/licences/$package.txt"
done

size=$(du -sb "$tree" | cut -f1)
if [ "$size" -ge "$limit" ]; then
  echo "dist: the folder has $size bytes, but less than $limit are allowed." >&2
  exit 1
fi
tools/dist/check.sh "$tree"
models=iclora-$version-models
rm -rf "dist/$name" "dist/$models"
mv "$tree" "dist/$name"
mv "$scratch/models" "dist/$models"
echo "dist/$name ($((size / 1000000)) MB)"
echo "dist/$models ($(($(du -sb "dist/$models" | cut -f1) / 1000000)) MB): put it at share/iclora/models of that folder, or what is in it into ~/.cache/iclora/models"
