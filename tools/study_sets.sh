#!/usr/bin/env bash
# Draws larger training sets for the comparison (examples/comparison.yaml) into the cache folder:
# study_sets.sh [COUNT [TASK]...], 400 sets of each task that the plan compares in full.
# The first sets are those of examples/TASK/train, so that 10, 20 and 40 of them are what the zoo is
# trained on; none is one of the held-out sets. What is there already is not drawn again, unless the
# task's own sets have changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
count=${1:-400}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- film-storyboard portrait-photography sandstorm-effect
case "$count" in '' | 0* | *[!0-9]*) echo "study_sets: the count is '$count'; give a whole number above 0." >&2 && exit 2 ;; esac
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
python=$(tools/world/setup.sh)
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT
for task in "$@"; do
  if [ ! -f "examples/$task/task.json" ]; then
    echo "study_sets: there is no task '$task' in examples/." >&2
    exit 2
  fi
  out=$cache/study-sets/$task
  have=$({ find "$out/sets" -mindepth 1 -maxdepth 1 -type d 2>/dev/null || true; } | wc -l)
  own=$(find "examples/$task/train" "examples/$task/held-out" -type f -print0 | LC_ALL=C sort -z | xargs -0 cat | sha256sum)
  if [ "$have" -ge "$count" ] && [ "$(cat "$out/own.sha256" 2>/dev/null)" = "$own" ]; then
    echo "$out has $have sets"
    continue
  fi
  # Twice as many as are wanted: some share with held-out ones what all panels share.
  tools/world/draw task "$task" --train $((2 * count)) --held-out 0 --seed study --out "$drawn/$task"
  "$python" tools/study_sets.py "$task" "$count" "$drawn/$task" "$out"
  echo "$own" >"$out/own.sha256"
done
