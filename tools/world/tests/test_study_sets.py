"""tools/study_sets.sh and study_sets.py, which join a task's own training sets and further ones."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
HOME = ROOT / "examples" / "film-storyboard"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "iclora"


def lines_of(folder):
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines()]


def join(count, drawn, out):
    return subprocess.run([sys.executable, ROOT / "tools/study_sets.py", "film-storyboard", str(count), drawn, out],
                          capture_output=True, text=True)


def test_neither_held_out_sets_nor_ones_that_are_there_come_in(tmp_path):
    own, held_out = lines_of(HOME / "train"), lines_of(HOME / "held-out")
    new = {"id": "0003", "shared": {"subject": "new"}, "panels": [{"labels": {"subject": "new"}}]}
    drawn = [own[0] | {"id": "0001"}, held_out[0] | {"id": "0002"}, new, new | {"id": "0004"}]
    train = tmp_path / "drawn/train"
    for line in drawn:
        (train / "sets" / line["id"]).mkdir(parents=True)
        (train / "sets" / line["id"] / "1.png").write_text(line["id"])
    (train / "labels.jsonl").write_text("".join(json.dumps(line) + "\n" for line in drawn))
    out = tmp_path / "out"
    assert join(len(own) + 1, tmp_path / "drawn", out).returncode == 0
    made = lines_of(out)
    assert [line["shared"] for line in made] == [line["shared"] for line in own] + [new["shared"]]
    last = out / "sets" / made[-1]["id"]
    assert (last / "1.png").read_text() == "0003"
    refused = join(len(own) + 2, tmp_path / "drawn", tmp_path / "more")
    assert refused.returncode == 1 and f"gives {len(own) + 1} sets" in refused.stderr
    assert not (tmp_path / "more").exists()


def test_draws_into_an_empty_cache_once_and_leaves_nothing_behind(tmp_path):
    cache = tmp_path / "cache/iclora"
    (tmp_path / "tmp").mkdir()
    cache.mkdir(parents=True)
    for one in CACHE.glob("world*"):
        (cache / one.name).symlink_to(one)

    def run():
        return subprocess.run([ROOT / "tools/study_sets.sh", "2", "film-storyboard"], capture_output=True, text=True,
                              env=os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TMPDIR": str(tmp_path / "tmp")})

    out = cache / "study-sets/film-storyboard"
    first = run()
    assert first.returncode == 0, first.stderr
    assert "2 of them from" in first.stdout
    assert run().stdout == f"{out} has 2 sets\n"
    (out / "own.sha256").write_text("of other sets")
    assert "2 of them from" in run().stdout
    assert not list((tmp_path / "tmp").iterdir())
