#!/usr/bin/env bash
# Measures the adapters of the zoo on the tasks' held-out sets against the base, three canvases a set,
# and writes their cards: zoo_measure.sh [TASK...]. Needs the runs of tools/zoo.sh, and Python for the
# cards. Of one canvas a set a single lucky seed is five points.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
iclora=build/${PRESET:-release}/bin/iclora
tasks=("$@")
if [ ${#tasks[@]} -eq 0 ]; then
  for run in build/zoo/*/config.yaml; do tasks+=("$(basename "$(dirname "$run")")"); done
fi
for task in "${tasks[@]}"; do
  "$iclora" eval --model flux-mini --sets "examples/$task" --lora "models/zoo/$task.safetensors" \
    --repeat 3 --out "build/zoo/$task/measured"
done
python3 tools/zoo_cards.py build/zoo/*/measured/eval.json
