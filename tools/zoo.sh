#!/usr/bin/env bash
# The adapters of the ten tasks, trained on the sets of examples/ into models/zoo/: zoo.sh [TASK...].
# The recipe is models/zoo/TASK.yaml where there is one, models/zoo/recipe.yaml elsewhere.
# A training that was stopped goes on from where it was; one that is finished is not done again, so
# remove build/zoo to train anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
iclora=build/${PRESET:-release}/bin/iclora
tasks=("$@")
if [ ${#tasks[@]} -eq 0 ]; then
  for folder in examples/*/task.json; do tasks+=("$(basename "$(dirname "$folder")")"); done
fi
for task in "${tasks[@]}"; do
  if [ ! -f "examples/$task/task.json" ]; then
    echo "zoo: there is no task '$task' in examples/; there are $(cd examples && echo */)." >&2
    exit 2
  fi
done
for task in "${tasks[@]}"; do
  run=build/zoo/$task
  result=$run/lora/$task.safetensors
  recipe=models/zoo/$task.yaml
  if [ ! -e "$recipe" ]; then recipe=models/zoo/recipe.yaml; fi
  resume=()
  if [ -e "$run" ]; then resume=(--resume); fi
  "$iclora" train "$recipe" --set "name=$task" --set "data.path=examples/$task/train" \
    --out "$run" "${resume[@]}"
  cp "$result" "models/zoo/$task.safetensors.part"
  mv "models/zoo/$task.safetensors.part" "models/zoo/$task.safetensors"
done
