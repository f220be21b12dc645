"""Fetches what sources.yaml lists into the cache folder and checks it; opens it from there."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

import yaml

LIST = pathlib.Path(__file__).resolve().parents[1] / "sources.yaml"


class SourceError(Exception):
    """A source that cannot be had or is not what was pinned; the message says what to do."""


def cache_folder() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base) / "iclora" / "world-sources"


def listed() -> dict:
    return yaml.safe_load(LIST.read_text())


def icons_path(name: str) -> pathlib.Path:
    return cache_folder() / f"{name}.json"


def font_path(name: str) -> pathlib.Path:
    entry = listed()["fonts"][name]
    return cache_folder() / (name + pathlib.Path(entry["file"]).suffix)


def open_icons(name: str) -> dict:
    """The icon set as its package has it: `icons`, `aliases`, `width`, `height`."""
    path = icons_path(name)
    if not path.exists():
        raise SourceError(f"'{path}' is missing; run tools/world/setup.sh.")
    return json.loads(path.read_text())


def _check(data: bytes, wanted: str, what: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise SourceError(f"{what} has the SHA-256 {found}, sources.yaml expects {wanted}; "
                          "see what changed before changing the list.")


def _run(command: list[str], folder: pathlib.Path, what: str) -> None:
    if shutil.which(command[0]) is None:
        raise SourceError(f"{what} is fetched with {command[0]}, which is not installed; install it.")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SourceError(f"{what} could not be fetched: {done.stderr.strip().splitlines()[-1:]}")


def _publish(data: bytes, path: pathlib.Path) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def _fetch_icons(name: str, entry: dict) -> None:
    what = f"{entry['package']} {entry['version']}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        _run(["npm", "pack", "--silent", f"{entry['package']}@{entry['version']}"], folder, what)
        (packed,) = folder.glob("*.tgz")
        _check(packed.read_bytes(), entry["sha256"], what)
        with tarfile.open(packed) as archive:
            icons = archive.extractfile("package/icons.json").read()
    _publish(icons, icons_path(name))


def _fetch_font(name: str, entry: dict) -> None:
    what = f"{entry['package']} {entry['version']}"
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        _run(["apt-get", "download", "-qq", f"{entry['package']}={entry['version']}"], folder, what)
        (packed,) = folder.glob("*.deb")
        _run(["dpkg-deb", "-x", packed.name, "content"], folder, what)
        font = (folder / "content" / entry["file"]).read_bytes()
    _check(font, entry["sha256"], f"the font of {what}")
    _publish(font, font_path(name))


def fetch() -> None:
    """Fetches what is not there yet."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    sources = listed()
    for name, entry in sources["icons"].items():
        if not icons_path(name).exists():
            print(f"world: fetching {entry['package']} {entry['version']}", file=sys.stderr)
            _fetch_icons(name, entry)
    for name, entry in sources["fonts"].items():
        if not font_path(name).exists():
            print(f"world: fetching {entry['package']} {entry['version']}", file=sys.stderr)
            _fetch_font(name, entry)


if __name__ == "__main__":
    try:
        fetch()
    except SourceError as error:
        sys.exit(f"world: {error}")
