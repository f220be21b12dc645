"""tools/study_cells.py, which carries a comparison's figures from one machine to another."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
KEY, STALE = "0123456789abcdef0123", "9" * 20


def carry(*line):
    return subprocess.run([sys.executable, ROOT / "tools/study_cells.py", *map(str, line)], capture_output=True, text=True)


def write_cell(folder, key, pictures):
    cell = {"version": 1, "key": key, "task": "older-name", "row": "older name", "seconds": 0.012329103462537223,
            "sets": [{"id": "001", "measures": {"apart": [0.7860906845210897, 3.0]}}], "pictures": pictures}
    out = folder / "cells" / key
    out.mkdir(parents=True)
    (out / "cell.json").write_text(json.dumps(cell, indent=1) + "\n")
    return cell


def test_what_the_report_names_comes_back_without_its_pictures(tmp_path):
    ran, packed, later = tmp_path / "ran", tmp_path / "packed", tmp_path / "later"
    cell = write_cell(ran, KEY, ["0001.png"])
    write_cell(ran, STALE, [])
    rows = [{"row": "base", "cell": KEY}]
    (ran / "study.json").write_text(json.dumps({"missing": 2, "tasks": [{"task": "pairs", "rows": rows}, {"task": "empty", "rows": []}]}))
    kept = carry("keep", ran, packed)
    assert kept.returncode == 0, kept.stderr
    assert "1 rows kept" in kept.stdout and "2 are not there yet" in kept.stdout
    assert [file.name for file in packed.iterdir()] == ["pairs.jsonl.xz"]
    before = (packed / "pairs.jsonl.xz").read_bytes()
    assert carry("keep", ran, packed).returncode == 0 and (packed / "pairs.jsonl.xz").read_bytes() == before
    restored = carry("restore", later, packed)
    assert "1 rows restored" in restored.stdout, restored.stderr
    assert [folder.name for folder in (later / "cells").iterdir()] == [KEY]
    assert [file.name for file in (later / "cells" / KEY).iterdir()] == ["cell.json"]
    assert json.loads((later / "cells" / KEY / "cell.json").read_text()) == cell | {"task": "pairs", "row": "base", "pictures": []}


def test_what_is_there_stays(tmp_path):
    write_cell(tmp_path / "ran", KEY, [])
    (tmp_path / "ran/study.json").write_text(json.dumps({"missing": 0, "tasks": [{"task": "pairs", "rows": [{"row": "base", "cell": KEY}]}]}))
    carry("keep", tmp_path / "ran", tmp_path / "packed")
    write_cell(tmp_path / "later", KEY, ["0001.png"])
    before = (tmp_path / "later/cells" / KEY / "cell.json").read_bytes()
    assert "0 rows restored" in carry("restore", tmp_path / "later", tmp_path / "packed").stdout
    assert (tmp_path / "later/cells" / KEY / "cell.json").read_bytes() == before


def test_says_what_is_missing(tmp_path):
    refused = carry("keep", tmp_path, tmp_path / "packed")
    assert refused.returncode == 1 and "has no study.json" in refused.stderr
    assert not (tmp_path / "packed").exists()
    assert carry("kep", tmp_path).returncode == 1
