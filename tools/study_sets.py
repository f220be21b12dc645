#!/usr/bin/env python3
"""Joins a task's own training sets and further ones that were drawn: study_sets.py TASK COUNT DRAWN OUT.

OUT gets COUNT sets: those of examples/TASK/train first, then those of DRAWN/train that are neither
among them nor among the held-out sets. Sets count as the same where all panels share the same; in a
task whose own training sets and held-out ones share the same already, where the panels are the same
besides: in any order for held-out sets, in their own order for training sets.
"""

import json
import pathlib
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def lines_of(folder: pathlib.Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "labels.jsonl").read_text().splitlines() if line.strip()]


def shared_of(line: dict) -> tuple:
    return tuple(sorted(line["shared"].items()))


def panels_of(line: dict) -> tuple:
    return tuple(tuple(sorted(panel["labels"].items())) for panel in line["panels"])


def unordered(line: dict) -> tuple:
    return tuple(sorted(panels_of(line)))


def main() -> None:
    task, count, drawn, out = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    home = ROOT / "examples" / task
    own, held_out, more = lines_of(home / "train"), lines_of(home / "held-out"), lines_of(drawn / "train")
    apart = not {shared_of(line) for line in own} & {shared_of(line) for line in held_out}
    of = shared_of if apart else unordered
    kept_out = {of(line) for line in held_out}
    seen = {panels_of(line) for line in own}
    chosen = [(home / "train" / "sets" / line["id"], line) for line in own[:count]]
    for line in more:
        if len(chosen) == count:
            break
        if of(line) in kept_out or panels_of(line) in seen:
            continue
        seen.add(panels_of(line))
        chosen.append((drawn / "train" / "sets" / line["id"], line))
    if len(chosen) < count:
        sys.exit(f"study_sets: the task '{task}' gives {len(chosen)} sets that are not held out, not {count}; "
                 "ask for fewer.")
    part = out.with_name(out.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    labels = []
    for number, (folder, line) in enumerate(chosen, 1):
        name = f"{number:04d}"
        shutil.copytree(folder, part / "sets" / name)
        labels.append(json.dumps(line | {"id": name}, ensure_ascii=False))
    (part / "labels.jsonl").write_text("\n".join(labels) + "\n")
    shutil.copy(home / "task.json", part / "task.json")
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    print(f"{out} has {count} sets, {len(own[:count])} of them from {home.relative_to(ROOT)}/train")


if __name__ == "__main__":
    main()
