#!/usr/bin/env bash
# The adapters of the ten tasks, trained on the sets of examples/ into models/zoo/: zoo.sh [NAME...].
# A name is a task, or TASK-given for its adapter of given panels; without one, all that are made.
# The recipes are models/zoo/recipe.yaml and recipe-given.yaml, with what models/zoo/overrides.txt says
# of the name. A training that was stopped goes on from where it was; one that is finished is not done
# again, so remove build/zoo to train anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
iclora=build/${PRESET:-release}/bin/iclora
names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for folder in examples/*/task.json; do
    task=$(basename "$(dirname "$folder")")
    for name in "$task" "$task-given"; do
      grep -qx "$name none" models/zoo/overrides.txt || names+=("$name")
    done
  done
fi
for name in "${names[@]}"; do
  if [ ! -f "examples/${name%-given}/task.json" ]; then
    echo "zoo: there is no task '${name%-given}' in examples/; there are $(cd examples && echo */)." >&2
    exit 2
  fi
done
for name in "${names[@]}"; do
  task=${name%-given}
  run=build/zoo/$name
  overrides=() begin=()
  for override in $(sed -n "s/^$name //p" models/zoo/overrides.txt); do
    case $override in
      begin=*) begin=(--init-lora "models/zoo/${override#begin=}.safetensors") ;;
      *) overrides+=(--set "$override") ;;
    esac
  done
  if [ -e "$run" ]; then begin=(--resume); fi
  "$iclora" train "models/zoo/recipe${name#"$task"}.yaml" --set "name=$name" \
    --set "data.path=examples/$task/train" "${overrides[@]}" --out "$run" "${begin[@]}"
  cp "$run/lora/$name.safetensors" "models/zoo/$name.safetensors.part"
  mv "models/zoo/$name.safetensors.part" "models/zoo/$name.safetensors"
done
