#!/usr/bin/env bash
# Sets up, configures when needed, and builds one preset: build.sh PRESET JOBS [TARGET]...
set -euo pipefail
preset=$1 jobs=$2
shift 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
build=build/$preset
mkdir -p "$build"
# Two builds of one folder at once would write into each other.
exec 8>"$build/.lock"
flock -n 8 || { echo "build: waiting for another build in $build" >&2 && flock 8; }
tools/setup/packages.sh 8>&-
torch_dir=$(tools/setup/libtorch.sh 8>&-)
configured=$(sed -n 's/^TORCH_DIR:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
# CMake refuses a folder that was configured for a checkout that has since moved.
[ -z "$home" ] || [ "$home" = "$root" ] || rm -rf "$build/CMakeCache.txt" "$build/CMakeFiles" "$build/build.ninja"
if [ ! -f "$build/build.ninja" ] || [ "$configured" != "$torch_dir" ]; then
  tools/setup/tools.sh
  launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake --preset "$preset" -DTORCH_DIR="$torch_dir" "${launcher[@]}" 8>&- >"$build/configure.log" || {
    tail -n 5 "$build/configure.log" >&2
    exit 1
  }
fi
targets=()
[ $# -eq 0 ] || targets=(--target "$@")
cmake --build "$build" -j "$jobs" "${targets[@]}" 8>&-
