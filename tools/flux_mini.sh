#!/usr/bin/env bash
# flux-mini from nothing: draws what it is trained on, then trains it, in the cache folder. Stopped
# anywhere (Ctrl-C), the same command goes on from there. The model: $CACHE/flux-mini/run/model.
#
# SHARE=0.01 takes a hundredth of the drawings and of the steps, in folders of its own: in minutes, to
# see that all of it runs. What comes out draws nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
share=${SHARE:-1}
packs=$cache/world run=$cache/flux-mini/run recipe=models/flux-mini.yaml
if [ "$share" != 1 ]; then
  packs=$cache/flux-mini/share-$share/world run=$cache/flux-mini/share-$share/run
  recipe=$cache/flux-mini/share-$share/recipe.yaml
  mkdir -p "${recipe%/*}"
  perl -pe "s{\\b(steps|warmup): (\\d+)}{\"\$1: \" . (int(\$2 * $share) || 1)}ge; s{^init: }{init: $PWD/models/}" \
    models/flux-mini.yaml >"$recipe"
fi

# count N: the share of N drawings, and enough of each kind to be measured by.
count() { awk -v n="$1" -v share="$share" 'BEGIN { k = int(n * share); print (k < 200 ? 200 : k) }'; }

# pack NAME COMMAND...: drawn once.
pack() {
  local name=$1
  shift
  [ -e "$packs/$name/classes.json" ] && return
  echo "drawing $packs/$name" >&2
  rm -rf "$packs/$name.part"
  tools/world/draw "$@" --out "$packs/$name.part"
  mv "$packs/$name.part" "$packs/$name"
}

mkdir -p "$packs"
# Pairs of subject and ground that measuring asks for in one style are drawn in no other one either:
# from the others the model would learn that this style does not occur there (tools/world/README.md).
apart=(--kept-out pairs)
kinds=(--overlays 0.25 --kinds picture:4,word:1,mark:1,carrier:1,portrait:2,slide:1,furniture:1)
wide=(--overlays 0.15 --kinds picture:8,word:1,mark:0.5,carrier:1,portrait:1,slide:0.5,furniture:0.5)
pack steady samples --count "$(count 30000)" --seed steady-1 "${apart[@]}"
pack steady-test samples --count "$(count 1800)" --seed test-1
pack steady-canvases canvases --count "$(count 20000)" --seed canvases-1 "${apart[@]}"
pack steady-canvases-test canvases --count "$(count 1000)" --seed canvases-test-1
pack kinds samples --count "$(count 20000)" --seed kinds-1 "${apart[@]}" "${kinds[@]}"
# Letters, marks and faces need more than others.
pack kinds-2 samples --count "$(count 16000)" --seed kinds-2 --overlays 0.25 \
  --kinds word:3,mark:3,carrier:3,portrait:3,slide:0.5,furniture:0.5
pack kinds-canvases canvases --count "$(count 7000)" --seed kinds-canvases-1 "${apart[@]}" "${kinds[@]}"
# Words and small marks come last of all, and only where there are many of them.
pack words samples --count "$(count 16000)" --seed words-1 --kinds word:1
pack marks samples --count "$(count 10000)" --seed marks-1 --kinds mark:1,carrier:1
pack words-canvases canvases --count "$(count 4000)" --seed words-canvases-1 --kinds word:1
pack marks-canvases canvases --count "$(count 4000)" --seed marks-canvases-1 --kinds mark:1,carrier:1
# Many canvases of the grids that most sets have: with few, the model learns them by heart.
if [ ! -e "$packs/more-canvases/classes.json" ]; then
  echo "drawing $packs/more-canvases" >&2
  rm -rf "$packs/more-canvases.part"
  for grid in 2x2:20000 3x1:12000 1x2:12000 2x1:9000; do
    tools/world/draw canvases --grid "${grid%:*}" --count "$(count "${grid#*:}")" --seed canvases-2 \
      "${apart[@]}" --out "$packs/more-canvases.part"
  done
  mv "$packs/more-canvases.part" "$packs/more-canvases"
fi
pack wide samples --count "$(count 30000)" --seed wide-1 --tier 2 --level 1 "${apart[@]}" "${wide[@]}"

exec "build/${PRESET:-release}/bin/iclora" pretrain "$recipe" --packs "$packs" --out "$run" "$@"
