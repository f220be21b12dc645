#!/usr/bin/env bash
# Prints, each ended by a zero byte, the C++ files that changed: against the merge base with
# origin/main on a branch, else against the previous commit, with what is not committed yet.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
head=$(git rev-parse HEAD)
base=
for main in origin/main main; do
  if git rev-parse -q --verify "$main^{commit}" >/dev/null; then
    candidate=$(git merge-base "$main" HEAD 2>/dev/null || true)
    if [ -n "$candidate" ] && [ "$candidate" != "$head" ]; then base=$candidate && break; fi
  fi
done
# On main itself (or a clone that is up to date): the last commit.
[ -n "$base" ] || base=$(git rev-parse -q --verify 'HEAD~1^{commit}' || true)
# A first commit, or a clone of depth 1: everything.
[ -n "$base" ] || base=$(git hash-object -t tree /dev/null)
{
  git diff -z --name-only --diff-filter=d "$base" -- '*.cpp' '*.h'
  git ls-files -z --others --exclude-standard -- '*.cpp' '*.h'
} | sort -zu
