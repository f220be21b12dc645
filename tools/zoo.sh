#!/usr/bin/env bash
# The adapters of the ten tasks, trained on the sets of examples/ into models/zoo/: zoo.sh [TASK...].
# The recipe is models/zoo/recipe.yaml, with what models/zoo/overrides.txt says of the task.
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
  overrides=()
  for override in $(sed -n "s/^$task //p" models/zoo/overrides.txt); do overrides+=(--set "$override"); done
  resume=()
  if [ -e "$run" ]; then resume=(--resume); fi
  "$iclora" train models/zoo/recipe.yaml --set "name=$task" \
    --set "data.path=examples/$task/train" "${overrides[@]}" --out "$run" "${resume[@]}"
  cp "$result" "models/zoo/$task.safetensors.part"
  mv "models/zoo/$task.safetensors.part" "models/zoo/$task.safetensors"
done
