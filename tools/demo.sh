#!/usr/bin/env bash
# The main job in the open: an In-Context LoRA trained on a folder of picture sets, then sets of
# captions it has not seen, drawn with and without it, split and measured. Leaves demo/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
iclora=build/${PRESET:-release}/bin/iclora
sets=examples/film-storyboard
say() { printf '\n== %s\n' "$*"; }
# The command as one would type it, then its output.
run() {
  printf '$ iclora' && printf ' %q' "$@" && printf '\n'
  "$iclora" "$@"
}
rm -rf demo
mkdir -p demo/canvases demo/panels

say "Forty storyboards of three panels. Each is one animal in one style; only its first panel's caption says which."
run dataset show "$sets/train" --columns 8 --out demo/sets.png
run dataset check "$sets/train"

say "Training an adapter of rank 16 on them, 600 steps of four sets; the model stays as it is."
run train models/zoo/recipe.yaml --set name=film-storyboard --set "data.path=$sets/train" \
  --set save.every=600 --out demo/run
cp demo/run/lora/film-storyboard.safetensors demo/

say "Twenty captions of other storyboards, drawn by the model alone and with the adapter; every panel read and measured."
run eval --run demo/run --sets "$sets/held-out" --pictures --out demo/measured

say "A storyboard of one's own, with the adapter."
run generate --lora demo/film-storyboard.safetensors --seed 3 --out demo/own.png \
  --prompt 'a film storyboard of <Lou> in three scenes' \
  --panel-prompt '<Lou>, a flat penguin, on the beach' --panel-prompt '<Lou> in a room' \
  --panel-prompt '<Lou> at night'

say "Every canvas split into its panels."
for row in demo/measured/row-*; do
  for canvas in "$row"/*.png; do
    name=$(basename "$row")-$(basename "$canvas" .png)
    cp "$canvas" "demo/canvases/$name.png"
    "$iclora" split "$canvas" --grid 3x1 --out "demo/panels/$name" >/dev/null
  done
done
mv demo/measured/eval.html demo/index.html
mv demo/measured/sheet.png demo/contact-sheet.png
cat <<END

What was made:
demo/sets.png                       the sets it was trained on
demo/film-storyboard.safetensors    the adapter
demo/canvases/                      what base and adapter drew
demo/panels/                        the same, split
demo/own.png                        a storyboard of one's own
demo/contact-sheet.png              before and after, side by side, with the loss
demo/index.html                     the same as a page, with every figure
END
