#!/usr/bin/env python3
"""Carries a comparison's figures: study_cells.py keep|restore DIR [FOLDER].

`keep` packs every cell that DIR/study.json names, without its pictures, into FOLDER/TASK.jsonl.xz, one a
line. `restore` writes those that DIR lacks into DIR/cells, so that `iclora eval --plan ... --out DIR` goes
on from there. DIR is the `--out` of `iclora eval --plan`; FOLDER is benchmarks/comparison, which holds
the figures of examples/comparison.yaml, unless another one is named.
"""

import json
import lzma
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "benchmarks" / "comparison"


def keep(folder: pathlib.Path, packed: pathlib.Path) -> str:
    report = json.loads((folder / "study.json").read_text())
    packed.mkdir(parents=True, exist_ok=True)
    count = 0
    for task in report["tasks"]:
        cells = []
        for row in task["rows"]:
            cell = json.loads((folder / "cells" / row["cell"] / "cell.json").read_text())
            # Its name may be that of another plan; its pictures stay behind.
            cells.append(cell | {"task": task["task"], "row": row["row"], "pictures": []})
        count += len(cells)
        lines = "".join(json.dumps(cell, separators=(",", ":")) + "\n" for cell in cells)
        file = packed / f"{task['task']}.jsonl.xz"
        if not cells:
            file.unlink(missing_ok=True)
        elif not file.exists() or lzma.decompress(file.read_bytes()).decode() != lines:
            file.write_bytes(lzma.compress(lines.encode(), preset=9 | lzma.PRESET_EXTREME))
    return f"{count} rows kept in {packed}, {report['missing']} are not there yet"


def restore(folder: pathlib.Path, packed: pathlib.Path) -> str:
    new = there = 0
    for file in sorted(packed.glob("*.jsonl.xz")):
        for line in lzma.decompress(file.read_bytes()).decode().splitlines():
            cell = json.loads(line)
            if not re.fullmatch("[0-9a-f]{20}", cell["key"]):
                raise SystemExit(f"{file}: '{cell['key']}' is no key of a cell.")
            out = folder / "cells" / cell["key"]
            if (out / "cell.json").exists():
                there += 1
                continue
            out.mkdir(parents=True, exist_ok=True)
            (out / "cell.json.part").write_text(json.dumps(cell, indent=1) + "\n")
            (out / "cell.json.part").rename(out / "cell.json")
            new += 1
    return f"{new} rows restored into {folder}, {there} were there already"


def main() -> None:
    ways = {"keep": keep, "restore": restore}
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ways:
        sys.exit(__doc__.split("\n\n")[0])
    folder = pathlib.Path(sys.argv[2])
    if sys.argv[1] == "keep" and not (folder / "study.json").exists():
        sys.exit(f"{folder} has no study.json; give the --out of an `iclora eval --plan` that ran or was stopped.")
    print(ways[sys.argv[1]](folder, pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else FOLDER))


if __name__ == "__main__":
    main()
