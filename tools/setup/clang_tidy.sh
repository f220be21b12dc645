#!/usr/bin/env bash
# Prints the path of the clang-tidy that `make lint` uses, fetching it (clang_tidy.txt) into the
# cache first when it is not there. Messages go to stderr.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$(sed -nE 's/^clang-tidy==([^ ]+).*/\1/p' "$here/clang_tidy.txt")
say() { echo "setup: $*" >&2; }
stop() { say "$@" && exit 1; }

[ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] ||
  stop "neither XDG_CACHE_HOME nor HOME is set; set one, clang-tidy $version goes into a folder there."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
program=$cache/clang-tidy-$version/bin/clang-tidy
if "$program" --version >/dev/null 2>&1; then echo "$program" && exit 0; fi

[ "$(uname -m)" = x86_64 ] ||
  stop "clang-tidy $version is fetched for x86_64, this machine is $(uname -m)."
mkdir -p "$cache" 2>/dev/null || stop "'$cache' cannot be made; clang-tidy $version goes there."
exec 9>"$cache/clang-tidy.lock" || stop "'$cache' cannot be written; clang-tidy $version goes there."
flock 9  # one fetch at a time; the second to come finds what the first has brought
if "$program" --version >/dev/null 2>&1; then echo "$program" && exit 0; fi
"$here/packages.sh" debian-packages-fetch.txt
scratch=$(mktemp -d "$cache/clang-tidy.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
say "fetching clang-tidy $version into $cache (45 MB)"
TMPDIR=$scratch python3 -m pip --disable-pip-version-check download -q --no-cache-dir --no-input \
  --retries 5 --no-deps --require-hashes --only-binary=:all: --platform manylinux_2_28_x86_64 \
  -r "$here/clang_tidy.txt" -d "$scratch/wheels" </dev/null >&2 9>&- ||
  stop "clang-tidy $version could not be fetched (pip's reason stands above); mend that and run this again."
unzip -qo "$scratch"/wheels/*.whl 'clang_tidy/data/*' -d "$scratch/tree" >&2 ||
  stop "clang-tidy $version could not be unpacked (is the disk full?)."
chmod +x "$scratch/tree/clang_tidy/data/bin/clang-tidy"
"$scratch/tree/clang_tidy/data/bin/clang-tidy" --version >/dev/null ||
  stop "clang-tidy $version was fetched but does not run here; its reason stands above."
rm -rf "$cache/clang-tidy-$version"
mv "$scratch/tree/clang_tidy/data" "$cache/clang-tidy-$version"  # whole, or not there
echo "$program"
