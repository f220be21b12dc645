#!/usr/bin/env bash
# Measures the adapters of the zoo on the tasks' held-out sets by models/zoo/plan.yaml, and writes their
# cards and tables: zoo_measure.sh [TASK...]. What is measured already is not measured again. Needs
# Python for the cards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
only=()
for task in "$@"; do only+=(--only "$task"); done
"build/${PRESET:-release}/bin/iclora" eval --plan models/zoo/plan.yaml --out build/zoo/measured "${only[@]}"
python3 tools/zoo_cards.py build/zoo/measured/study.json
