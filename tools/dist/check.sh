#!/usr/bin/env bash
# Proves that a folder of `make dist` runs wherever it stands: check.sh FOLDER.
# It is copied to a path with a space and run with an empty environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "$1" && pwd)
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
mkdir "$away/some where"
cp -a "$folder" "$away/some where/iclora"
moved="$away/some where/iclora"
stop() { echo "dist: $*" >&2 && exit 1; }

# Name and path of each library, "not found" where there is none.
needed() { env -i PATH="$PATH" ldd "$1" | sed -nE 's/ \(0x[0-9a-f]+\)$//; s/^[[:space:]]*([^ ]+) => (.*)$/\1 \2/p'; }

for file in "$moved/bin/iclora" "$moved"/lib/*.so*; do
  # Every library either stands inside, or is glibc's or libtorch's.
  while read -r library path; do
    case "$library" in
      ld-linux*.so* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | \
        libresolv.so.* | libutil.so.* | libc10.so | libtorch*.so | libgomp*.so*) continue ;;
    esac
    [ -f "$moved/lib/$library" ] || stop "$(basename "$file") needs $library, which is not inside ($path)."
  done < <(needed "$file")
done
while read -r library path; do
  case "$library" in
    ld-linux*.so* | libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.*) continue ;;
  esac
  case "$path" in
    "$moved"/*) ;;
    *) stop "the moved program takes $library from '$path'." ;;
  esac
done < <(needed "$moved/bin/iclora")

cd /
env -i "$moved/bin/iclora" --version >/dev/null || stop "the moved program does not run."
env -i "$moved/bin/iclora" --help >/dev/null || stop "the moved program has no help."
# The helper is found and runs: nobody listens at port 1.
mkdir -p "$away/photos/1"
cp "$here/../../tests/fixtures/pictures/rgb.png" "$away/photos/1/1.png"
said=$(env -i HOME="$away" "$moved/bin/iclora" dataset caption "$away/photos" --retries 0 \
  --endpoint http://127.0.0.1:1/v1 2>&1) && stop "captions came out of nothing."
case "$said" in
  *"cannot be reached"*) ;;
  *) stop "the moved program cannot ask for captions: $said" ;;
esac
torch=${TORCH_DIR:-}
[ -n "$torch" ] || torch=$("$here/../setup/libtorch.sh" 2>/dev/null || true)
if [ -n "$torch" ]; then
  env -i TORCH_DIR="$torch" "$moved/bin/iclora" doctor >"$away/doctor" 2>&1 ||
    { tail -n 3 "$away/doctor" >&2; stop "the moved program does not find itself well."; }
  cd "$away"
  echo 'preset: toy' >toy.yaml
  env -i TORCH_DIR="$torch" "$moved/bin/iclora" init toy.yaml --out toy >/dev/null
  env -i TORCH_DIR="$torch" "$moved/bin/iclora" generate --model toy --grid 1x2 --panel 64x64 \
    --steps 2 --seed 1 --prompt 'two mugs' --out set --quiet >/dev/null
  env -i "$moved/bin/iclora" split set/canvas-01.png --out panels >/dev/null
  [ -f panels/2.png ] || stop "the moved program did not make and split a set."
fi
