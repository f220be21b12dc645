#!/usr/bin/env bash
# Checks that the tools which build are there and new enough; one sentence names the first that is not.
set -euo pipefail
at_least() { # name, found, wanted, Debian package
  [ "$(printf '%s\n%s\n' "$3" "$2" | sort -V | head -n 1)" = "$3" ] && return
  echo "setup: $1 is version $2, but $3 or newer is needed (Debian 12 has it: package $4)." >&2
  exit 1
}
for pair in cmake:cmake ninja:ninja-build git:git pkg-config:pkg-config "${CXX:-g++}":g++; do
  command -v "${pair%:*}" >/dev/null || {
    echo "setup: ${pair%:*} is missing; install it (Debian package: ${pair##*:})." >&2
    exit 1
  }
done
at_least cmake "$(cmake --version | awk 'NR == 1 { print $3 }')" 3.25 cmake
compiler=$("${CXX:-g++}" -dumpfullversion -dumpversion)
case "$("${CXX:-g++}" --version | head -n 1)" in
  *clang*) at_least clang "$compiler" 14 clang-14 ;;
  *) at_least g++ "$compiler" 12 g++ ;;
esac
