#!/usr/bin/env bash
# Sets up, configures when needed, and builds one preset: build.sh PRESET JOBS.
set -euo pipefail
preset=$1 jobs=$2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
tools/setup/packages.sh
torch_dir=$(tools/setup/libtorch.sh)
build=build/$preset
configured=$(sed -n 's/^TORCH_DIR:[A-Z]*=//p' "$build/CMakeCache.txt" 2>/dev/null || true)
if [ ! -f "$build/build.ninja" ] || [ "$configured" != "$torch_dir" ]; then
  launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake --preset "$preset" -DTORCH_DIR="$torch_dir" "${launcher[@]}" >/dev/null
fi
cmake --build "$build" -j "$jobs"
