#!/usr/bin/env bash
# Installs the Debian packages of debian-packages.txt that are not there yet.
# Asks for nothing when all are present; uses sudo when not root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this system has no dpkg, so the packages in tools/setup/debian-packages.txt" \
    "were not checked; install their equivalents by hand." >&2
  exit 0
fi

missing=()
while read -r package; do
  case "$package" in '' | '#'*) continue ;; esac
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done <"$here/debian-packages.txt"
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these Debian packages are missing: ${missing[*]}." \
      "Install them as root (there is no sudo here), then run this again." >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "setup: installing Debian packages: ${missing[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
