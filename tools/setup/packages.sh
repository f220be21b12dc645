#!/usr/bin/env bash
# Installs the Debian packages of the named lists that are not there yet: packages.sh [LIST]...,
# LIST being a file beside this script (default: debian-packages.txt).
# Asks for nothing when all are present; uses sudo when not root; reads no standard input.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -gt 0 ] || set -- debian-packages.txt

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this system has no dpkg, so the packages in tools/setup/$1" \
    "were not checked; install their equivalents by hand." >&2
  exit 0
fi

# One question for all packages: this runs at every build.
wanted=()
for list in "$@"; do
  while read -r package; do
    case "$package" in '' | '#'*) continue ;; esac
    wanted+=("$package")
  done <"$here/$list"
done
installed=$'\n'$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)$'\n'
missing=()
for package in "${wanted[@]}"; do
  case "$installed" in
    *$'\n'"installed $package"$'\n'*) ;;
    *) missing+=("$package") ;;
  esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: these Debian packages are missing: ${missing[*]}." \
      "Install them as root (there is no sudo here), then run this again." >&2
    exit 1
  fi
  as_root=(sudo)
  # Without a terminal nobody can type a password.
  if ! (: </dev/tty) 2>/dev/null; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null || {
      echo "setup: these Debian packages are missing: ${missing[*]}; sudo asks for a password," \
        "and there is no terminal to type it. Install them as root, then run this again." >&2
      exit 1
    }
  fi
fi
echo "setup: installing Debian packages: ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# DPkg::Lock::Timeout: another installation may be under way.
quietly() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" </dev/null >"$log" 2>&1; }
if ! quietly apt-get -o DPkg::Lock::Timeout=600 update -qq; then
  echo "setup: the list of Debian packages could not be renewed; trying with the one at hand." >&2
fi
if ! quietly apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install -y -qq \
  --no-install-recommends "${missing[@]}"; then
  tail -n 20 "$log" >&2
  echo "setup: apt-get could not install these Debian packages: ${missing[*]};" \
    "its last words stand above. Mend that, then run this again." >&2
  exit 1
fi
