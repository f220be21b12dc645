#!/usr/bin/env bash
# Proves that a bare Debian 12 is enough: prove_bare_debian.sh [--as root|user|both] [--keep] [--on FOLDER] [TARGET]...
#
# Makes a minimal bookworm root with only make, git and ca-certificates (and sudo, for a user who
# may install packages), clones this checkout's HEAD into it, and runs the make targets there
# (default: test demo) with no standard input: as root in a plain path, and as a user with sudo in a
# path with a space. The clone must be clean afterwards.
# --on takes a copy of a root that debootstrap made before. Needs root and debootstrap. Mirrors, proxies, certificates and pip's settings are this machine's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
as=both keep= base=
while [ $# -gt 0 ]; do
  case "$1" in
    --as) as=$2 && shift 2 ;;
    --keep) keep=1 && shift ;;
    --on) base=$2 && shift 2 ;;
    *) break ;;
  esac
done
[ $# -gt 0 ] || set -- test demo
stop() { echo "prove: $*" >&2 && exit 1; }
[ "$(id -u)" = 0 ] || stop "this makes a root folder and enters it, which needs root."
command -v debootstrap >/dev/null || stop "debootstrap is missing (Debian package: debootstrap)."

bare=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
chmod 755 "$bare"  # a user other than root has to come in
cleanup() {
  for mount in proc dev/pts dev; do umount -l "$bare/$mount" 2>/dev/null || true; done
  [ -n "$keep" ] && echo "prove: kept $bare" >&2 || rm -rf --one-file-system "$bare"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# The first mirror of this machine's own sources that carries bookworm.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 2>/dev/null |
  awk '$2 == "bookworm" { print $1; exit }')
if [ -n "$base" ]; then
  cp -a "$base/." "$bare/"
else
  debootstrap --variant=minbase --include=make,git,ca-certificates,sudo bookworm "$bare" \
    ${mirror:+"$mirror"} >"$bare.log" 2>&1 || { tail -n 5 "$bare.log" >&2; stop "debootstrap failed."; }
  rm -f "$bare.log"
fi
for folder in /etc/apt/sources.list.d /etc/apt/trusted.gpg.d /etc/apt/keyrings /etc/apt/auth.conf.d; do
  [ ! -d "$folder" ] || { mkdir -p "$bare$folder" && cp -a "$folder/." "$bare$folder/"; }
done
# Proxies and certificates of apt; not its hooks, which call programs that a bare system lacks.
apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Retries)' >"$bare/etc/apt/apt.conf.d/90host" || true
for file in /etc/apt/sources.list /etc/pip.conf /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt; do
  [ ! -f "$file" ] || cp -L "$file" "$bare$file"
done
mount -t proc proc "$bare/proc"
mount --rbind /dev "$bare/dev"
mount --make-rslave "$bare/dev"

carried=()
while IFS= read -r -d '' pair; do
  case "$pair" in
    PIP_*=* | [Hh][Tt][Tt][Pp]_[Pp][Rr][Oo][Xx][Yy]=* | [Hh][Tt][Tt][Pp][Ss]_[Pp][Rr][Oo][Xx][Yy]=* | \
      [Nn][Oo]_[Pp][Rr][Oo][Xx][Yy]=* | *CA_BUNDLE=* | *CAINFO=* | SSL_CERT_FILE=* | SSL_CERT_DIR=*)
      carried+=("$pair") ;;
  esac
done < <(env -0)

chroot "$bare" useradd --create-home --shell /bin/bash newcomer
echo 'newcomer ALL=(ALL) NOPASSWD: ALL' >"$bare/etc/sudoers.d/newcomer"
git clone -q --no-local "$root" "$bare/srv/iclora"

inside() { # user, home, folder, command
  chroot "$bare" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LC_ALL=C "${carried[@]}" /usr/sbin/runuser -u "$1" -- \
    env HOME="$2" USER="$1" /bin/bash -c 'cd "$0" && eval "$1"' "$3" "$4" </dev/null
}
prove() { # user, folder below the user's home, target...
  local user=$1 home folder started target changes
  home=$(chroot "$bare" getent passwd "$user" | cut -d: -f6)
  folder=$home/$2
  shift 2
  mkdir -p "$bare$(dirname "$folder")"
  cp -a "$bare/srv/iclora" "$bare$folder"
  chroot "$bare" chown -R "$user:" "$(dirname "$folder")"
  for target in "$@"; do
    started=$SECONDS
    inside "$user" "$home" "$folder" "make $target" ||
      stop "'make $target' as $user in '$folder' failed after $((SECONDS - started)) s."
    echo "prove: 'make $target' as $user in '$folder': $((SECONDS - started)) s" >&2
    changes=$(inside "$user" "$home" "$folder" "git status --porcelain")
    [ -z "$changes" ] || stop "'make $target' left the clone changed: $changes"
  done
}
case "$as" in
  user | both) prove newcomer "my work/iclora" "$@" ;;
esac
case "$as" in
  root | both) prove root work/iclora "$@" ;;
esac
echo "prove: a bare Debian 12 is enough for: $*" >&2
