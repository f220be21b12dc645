#!/usr/bin/env bash
# Checks that every path of the repository that the documents name in backticks exists.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
failed=0
for document in README.md CONTRIBUTING.md SECURITY.md docs/*.md benchmarks/*.md; do
  [ -f "$document" ] || continue
  while read -r path; do
    [ -e "$path" ] || { echo "lint: $document names $path, which does not exist" >&2 && failed=1; }
  done < <(grep -oE '`[^` ]+`' "$document" | tr -d '`' |
    grep -E '^((src|tests|tools|docs|cmake|benchmarks)/[A-Za-z0-9_./-]+|[A-Z]+\.md|Makefile|LICENSE|\.ci/run)$' || true)
done
exit $failed
