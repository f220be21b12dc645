# shellcheck shell=bash
# Sourced by what fetches pinned wheels into the cache folder. Messages go to stderr.

say() { echo "setup: $*" >&2; }
stop() { say "$@" && exit 1; }

need_cache() { # what is fetched -> $cache, which need not be there
  [ -n "${XDG_CACHE_HOME:-}${HOME:-}" ] ||
    stop "neither XDG_CACHE_HOME nor HOME is set; set one, $1 goes into a folder there."
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
}

lock_cache() { # what is fetched, a plain name for it, what helps on another machine
  [ "$(uname -m)" = x86_64 ] || stop "$1 is fetched for x86_64, this machine is $(uname -m)$3."
  mkdir -p "$cache" 2>/dev/null || stop "'$cache' cannot be made; $1 goes there."
  # One fetch at a time; the second to come finds what the first has brought.
  exec 9>"$cache/$2.lock" || stop "'$cache' cannot be written; $1 goes there."
  flock -n 9 || { say "waiting for another fetch of $1" && flock 9; }
  rm -rf "$cache/$2".??????  # left by a fetch that was killed
}

need_fetching_tools() {
  "$(dirname "${BASH_SOURCE[0]}")/packages.sh" debian-packages-fetch.txt
  local tool
  for tool in python3 unzip; do
    command -v "$tool" >/dev/null || stop "$tool is missing; install it, then run this again."
  done
  python3 -m pip --version >/dev/null 2>&1 ||
    stop "Python's pip is missing (Debian package: python3-pip); it fetches the wheel."
}

make_scratch() { # the plain name -> $scratch, which is gone at the end
  scratch=$(mktemp -d "$cache/$1.XXXXXX")
  trap 'rm -rf "$scratch"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

fetch_wheels() { # pip's options, list files among them -> $scratch/wheels
  # 9>&-: what pip starts must not hold the lock.
  TMPDIR=$scratch python3 -m pip --disable-pip-version-check download -q --no-cache-dir --no-input \
    --retries 5 --no-deps --require-hashes --only-binary=:all: "$@" -d "$scratch/wheels" \
    </dev/null >&2 9>&-
}

unpack() { # a wheel, what of it (all if nothing) -> $scratch/tree
  mkdir -p "$scratch/tree"
  unzip -qo "$@" -d "$scratch/tree" >&2 || stop "'$1' could not be unpacked (is the disk full?)."
}
