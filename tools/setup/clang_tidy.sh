#!/usr/bin/env bash
# Prints the path of the clang-tidy that `make lint` uses, fetching it (clang_tidy.txt) into the
# cache first when it is not there. Messages go to stderr.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/wheels.sh"
version=$(sed -nE 's/^clang-tidy==([^ ]+).*/\1/p' "$here/clang_tidy.txt")

need_cache "clang-tidy $version"
program=$cache/clang-tidy-$version/bin/clang-tidy
if "$program" --version >/dev/null 2>&1; then echo "$program" && exit 0; fi
lock_cache "clang-tidy $version" clang-tidy ""
if "$program" --version >/dev/null 2>&1; then echo "$program" && exit 0; fi
need_fetching_tools
make_scratch clang-tidy
say "fetching clang-tidy $version into $cache (45 MB)"
fetch_wheels --platform manylinux_2_28_x86_64 -r "$here/clang_tidy.txt" ||
  stop "clang-tidy $version could not be fetched (pip's reason stands above); mend that and run this again."
unpack "$scratch"/wheels/*.whl 'clang_tidy/data/*'
chmod +x "$scratch/tree/clang_tidy/data/bin/clang-tidy"
"$scratch/tree/clang_tidy/data/bin/clang-tidy" --version >/dev/null ||
  stop "clang-tidy $version was fetched but does not run here; its reason stands above."
rm -rf "$cache/clang-tidy-$version"
mv "$scratch/tree/clang_tidy/data" "$cache/clang-tidy-$version"  # whole, or not there
echo "$program"
