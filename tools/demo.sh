#!/usr/bin/env bash
# Shows what works: a toy model with random weights, a set of four panels drawn with it, the canvas
# split again, and the canvas made once more from its own metadata. Prints what it wrote.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
iclora=build/${PRESET:-release}/bin/iclora
rm -rf demo
mkdir demo
echo 'preset: toy' >demo/toy.yaml
"$iclora" init demo/toy.yaml --out demo/toy-model >/dev/null
"$iclora" generate --model demo/toy-model --grid 2x2 --panel 64x64 --steps 4 --seed 7 \
  --prompt 'A fox through the year,' --panel-prompt 'in spring' --panel-prompt 'in summer' \
  --panel-prompt 'in autumn' --panel-prompt 'in winter' --out demo/set >/dev/null
"$iclora" split demo/set/canvas-01.png --out demo/panels >/dev/null
"$iclora" generate --from demo/set/canvas-01.png --out demo/again >/dev/null
cmp demo/set/canvas-01.png demo/again/canvas-01.png
echo "
demo: the weights are random, so the pictures are noise; what is shown is the way they go.
  demo/toy-model         a model folder of FLUX.1's layout, in miniature (iclora init)
  demo/set/canvas-01.png a set of 2x2 panels on one canvas, and its panels beside it (iclora generate)
  demo/panels            the same panels cut out of the canvas (iclora split)
  demo/again             the canvas made again from its own metadata: equal, byte for byte"
ls demo/set demo/panels
