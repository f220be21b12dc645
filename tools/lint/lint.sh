#!/usr/bin/env bash
# Checks format, includes and clang-tidy: lint.sh [PRESET [JOBS [FILE]...]]; without FILEs all
# sources. A file that was found clean is not looked at again until it, a header of the project that
# it reads, its compile command or the configuration changes (the cache folder remembers).
set -euo pipefail
preset=${1:-release} jobs=${2:-$(nproc)}
[ $# -lt 2 ] || shift 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
tools/setup/packages.sh debian-packages-check.txt
LINT_TIDY=$(tools/setup/clang_tidy.sh)
export LINT_TIDY
database=build/$preset/compile_commands.json
[ -f "$database" ] || { echo "lint: '$database' is missing; run 'make build' first." >&2 && exit 1; }

sources=() headers=()
while IFS= read -r -d '' file; do
  [ -f "$file" ] || continue
  case "$file" in
    *.cpp) sources+=("$file") ;;
    *.h) headers+=("$file") ;;
  esac
done < <(if [ $# -gt 0 ]; then printf '%s\0' "$@"; else git ls-files -z --cached --others --exclude-standard -- '*.cpp' '*.h'; fi)
[ $((${#sources[@]} + ${#headers[@]})) -gt 0 ] || { echo "lint: no C++ file to look at" && exit 0; }

failed=0
clang-format-14 --dry-run --Werror "${sources[@]}" "${headers[@]}" || failed=1
tools/lint/documents.sh || failed=1
# Headers are named by their room; a path upwards would go around the rooms' walls.
if grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"\.\.?/' "${sources[@]}" "${headers[@]}"; then
  echo "lint: includes name a header by its room (\"panels/grid.h\"), not by a path." >&2
  failed=1
fi
for file in "${sources[@]}" "${headers[@]}"; do
  lines=$(wc -l <"$file")
  [ "$lines" -le 500 ] || { echo "lint: $file has $lines lines; a file has at most 500." >&2 && failed=1; }
done

# clang cannot read GCC's precompiled header, has no omp.h and lacks a flag: a database without them.
mkdir -p build/lint
sed -E -e 's/ -Winvalid-pch//; s/ -include (\\"[^"]*|[^ "]*)cmake_pch\.hxx(\\")?//; s/ -fopenmp//; s/ -fno-thread-jumps//' \
  -e 's/ -Wno-(maybe-uninitialized|restrict|array-bounds|stringop-overflow|dangling-pointer)//g' \
  "$database" >build/lint/compile_commands.json
export LINT_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/iclora/lint
mkdir -p "$LINT_CACHE"
# The analyzer does not step into the standard library, where it finds nothing of ours (13.5 s of 15
# for src/captions/http_frame.cpp), and leaves a function after 30,000 nodes instead of 225,000 (of
# 62 s for src/train/feed.cpp 40 went to seven functions which it left all the same).
LINT_ANALYZER=
for setting in c++-stdlib-inlining=false max-nodes=30000; do
  for word in -Xclang -analyzer-config -Xclang "$setting"; do LINT_ANALYZER+=" --extra-arg=$word"; done
done
export LINT_ANALYZER
LINT_SHARED=$({
  echo "$LINT_ANALYZER"
  "$LINT_TIDY" --version
  cat .clang-tidy
  for package in libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev; do
    dpkg-query -W "$package" 2>/dev/null || true
  done
} | sha256sum | cut -d' ' -f1)
export LINT_SHARED
export LINT_ROOT=$root
# What each source read when it was last compiled, from the build's own record: "SOURCE<tab>HEADER"
# a line, both from the root. The views are links to src/.
export LINT_READS=$root/build/lint/reads
ninja -C "build/$preset" -t deps | sed -nE \
  -e 's#^    \.\./\.\./(.*\.cpp)$#=\1#p' -e 's#^    \.\./\.\./(.*\.h)$#\1#p' \
  -e 's#^    views/[^/]*/(.*\.h)$#src/\1#p' |
  awk '/^=/ { source = substr($0, 2); next } { print source "\t" $0 }' | sort -u >"$LINT_READS"
# For a source that has not been compiled yet, all headers count.
LINT_HEADERS=$(git ls-files -z --cached --others --exclude-standard -- '*.h' | xargs -0 -r sha256sum | sha256sum | cut -d' ' -f1)
export LINT_HEADERS

headers_of() {
  local reads
  reads=$(awk -F'\t' -v source="$1" '$1 == source { print $2 }' "$LINT_READS")
  [ -n "$reads" ] || { printf '%s' "$LINT_HEADERS" && return; }
  xargs -d '\n' sha256sum <<<"$reads" 2>&1 | sha256sum | cut -d' ' -f1
}

tidy_one() {
  local file=$1 command key out analyzer
  # By the end of its path: a file that the preset does not build (a fuzz target) has no command.
  command=$(grep -F "\"file\": \"$LINT_ROOT/$file\"" -B 2 build/lint/compile_commands.json || true)
  [ -n "$command" ] || { echo "lint: $file is not part of this build, clang-tidy skips it" >&2 && return 0; }
  key=$(printf '%s' "$LINT_SHARED $(headers_of "$file") ${command//$LINT_ROOT/}" | cat - "$file" | sha256sum | cut -d' ' -f1)
  [ ! -f "$LINT_CACHE/$key" ] || return 0
  read -ra analyzer <<<"$LINT_ANALYZER"
  if out=$("$LINT_TIDY" -p build/lint --quiet "${analyzer[@]}" "$file" 2>&1); then
    : >"$LINT_CACHE/$key"
  else
    printf '%s\n' "$out" | grep -v 'warnings generated' >&2
    return 1
  fi
}
export -f tidy_one headers_of
if [ ${#sources[@]} -gt 0 ]; then
  printf '%s\0' "${sources[@]}" |
    xargs -0 -r -n 1 -P "$jobs" bash -c 'tidy_one "$1" || exit 1' tidy || failed=1
fi
find "$LINT_CACHE" -type f -mtime +30 -delete 2>/dev/null || true
[ "$failed" = 0 ] || { echo "lint: see above" >&2 && exit 1; }
echo "lint: ${#sources[@]} sources and ${#headers[@]} headers are clean"
