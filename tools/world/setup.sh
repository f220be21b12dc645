#!/usr/bin/env bash
# Sets up what drawing the world needs, in the cache folder: a Python environment and the icons and
# fonts of sources.yaml. Prints the environment's python. Developers only; iclora never needs it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/iclora
venv=$cache/world-venv
stamp=$venv/requirements.sha256
wanted=$(sha256sum <"$here/requirements.txt")
if [ ! -x "$venv/bin/python" ] || [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  command -v python3 >/dev/null || { echo "world: python3 is missing; install it." >&2 && exit 2; }
  echo "world: making a Python environment in $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --no-deps -r "$here/requirements.txt" >&2
  printf '%s\n' "$wanted" >"$stamp"
fi
PYTHONPATH=$here "$venv/bin/python" -m world.sources >&2
echo "$venv/bin/python"
