#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for a while from its corpus: run.sh SECONDS JOBS.
# A finding ends it with an error and leaves the input under build/fuzz/findings.
set -euo pipefail
seconds=$1 jobs=$2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
targets=()
while IFS= read -r name; do targets+=("fuzz_$name"); done \
  < <(sed -n 's/^iclora_fuzz(\([a-z]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)
tools/setup/packages.sh debian-packages-check.txt
tools/setup/build.sh fuzz "$jobs" "${targets[@]}"
mkdir -p build/fuzz/findings
for target in "${targets[@]}"; do
  grown=build/fuzz/corpus/$target
  mkdir -p "$grown"
  log=build/fuzz/$target.log
  echo "fuzz: $target for $seconds seconds"
  "build/fuzz/tests/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix=build/fuzz/findings/ "$grown" "tests/fuzz/corpus/${target#fuzz_}" \
    >"$log" 2>&1 || { tail -n 40 "$log" && exit 1; }
  tail -n 1 "$log"
done
