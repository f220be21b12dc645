#!/usr/bin/env python3
"""Writes models/zoo/TASK.md and the tables in docs/zoo.md and README.md from what was measured.

    tools/zoo_cards.py build/zoo/measured/study.json

Figures come from `iclora eval --plan models/zoo/plan.yaml` (tools/zoo_measure.sh), training's facts
from the adapters' files. A task that was not measured whole keeps its card, and the tables stay.
"""

import datetime
import hashlib
import json
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEASURES = [("consistency", "sets whose panels share what they should"),
            ("different", "sets whose panels differ where they should"),
            ("success", "both"),
            ("adherence", "panels that show what their own prompt tells")]
GIVEN = [("traits", "identity/*", "traits of the given panel that the others have, too"),
         ("identity", "identity", "panels that have all of them"),
         ("success", "success", "sets that share and differ as they should"),
         ("adherence", "adherence", "panels that show what their own prompt tells")]


def percent(estimate: dict, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return (f"{100 * estimate['value']:{sign}.0f} "
            f"({100 * estimate['low']:{sign}.0f} to {100 * estimate['high']:{sign}.0f})")


class Task:
    """One task of the report."""

    def __init__(self, report: dict, task: dict) -> None:
        self.report = report
        self.name, self.about = task["task"], task["about"]
        self.rows = {row["row"]: row["measures"] for row in task["rows"]}
        self.complete = not task["missing"]
        self.has_given = "given" in self.rows

    def difference(self, contrast: str) -> dict:
        by_task = next(one for one in self.report["contrasts"]
                       if one["name"] == contrast)["by_task"]
        return next(one for one in by_task if one["task"] == self.name)


def about_tasks() -> dict[str, tuple[str, str]]:
    """What panels share and where they differ, from the table in examples/README.md."""
    out = {}
    for line in (ROOT / "examples" / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            out[cells[0].strip("`")] = (cells[2], cells[3])
    return out


def made_of(name: str) -> str:
    """How the adapter `name` came to be, as its file says."""
    data = (ROOT / "models" / "zoo" / f"{name}.safetensors").read_bytes()
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]
    training = json.loads(header["iclora"])["training"]
    start, end = (datetime.datetime.fromisoformat(header[f"ss_training_{when}_at"])
                  for when in ("started", "finished"))
    return (f"`{name}` ({hashlib.sha256(data).hexdigest()[:16]}): {training['sets']} sets, "
            f"{training['steps']:,} steps of {training['batch']}, "
            f"{(end - start).total_seconds() / 60:.0f} minutes")


def command(task: str, given: bool) -> str:
    example = json.loads((ROOT / "examples" / task / "held-out" / "sets" / "001" /
                          "caption.json").read_text())
    parts = [""] + example["panels"][1:] if given else example["panels"]
    prompts = " ".join(f"--panel-prompt '{part}'" for part in parts)
    picture = f"--given 1=examples/{task}/held-out/sets/001/1.png " if given else ""
    return (f"iclora generate --task {task} {picture}--prompt '{example['overall']}' {prompts} "
            f"--out {task}.png")


def given_lines(task: Task) -> list[str]:
    lines = [
        "", f"With a given panel, the first one of the real sets, `--task {task.name}` takes "
        f"`{task.name}-given`, which was trained for it and leaves it clean. Beside it the other "
        "adapter (`--condition replace`):"]
    for kind, how in [("given", "The caption tells what it shows"),
                      ("silent", "The caption says nothing of it")]:
        lines += ["", f"| {how} | with `{task.name}` | with `{task.name}-given` | difference |",
                  "|---|---|---|---|"]
        other, own = task.rows[f"{kind} replace"], task.rows[kind]
        for short, measure, meaning in GIVEN:
            if measure in own:
                lines.append(f"| {short}: {meaning} | {percent(other[measure])} | "
                             f"{percent(own[measure])} | "
                             f"{percent(task.difference(f'{kind} {short}'), signed=True)} |")
    return lines


def card(task: Task, shares: str, differs: str) -> str:
    settings = task.report["settings"]
    base, adapter, rebuilt = (task.rows[row] for row in ("base", "adapter", "rebuilt"))
    lines = [
        f"# {task.name}", "",
        f"In-Context LoRA of rank 16 for flux-mini; a set is a canvas of {task.about['grid']} "
        f"panels of 64x64 pixels. All panels share: {shares}. They differ in: {differs}. Only the "
        "first panel's prompt tells what is shared; the others leave it open, so that it can only "
        "come from the other panels.", "", "```",
        *(command(task.name, given) for given in [False, True][:1 + task.has_given]), "```", "", "## Measured", "",
        f"{task.about['count']} held-out sets, canvases of each: {task.about['repeat']}, "
        f"{settings['steps']} steps, guidance {settings['guidance']:g}, the same seeds in all "
        "columns; per cent with 95 % intervals (bootstrap over sets, differences paired). "
        "`rebuilt`: the real sets through the model's autoencoder, the best that can be read.", "",
        f"| | rebuilt | base alone | with `{task.name}` | difference |", "|---|---|---|---|---|"]
    for measure, meaning in MEASURES:
        if measure in adapter:
            lines.append(f"| {measure}: {meaning} | {percent(rebuilt[measure])} | "
                         f"{percent(base[measure])} | {percent(adapter[measure])} | "
                         f"{percent(task.difference('adapter ' + measure), signed=True)} |")
    if task.has_given:
        lines += given_lines(task)
    names = [task.name] + ([task.name + "-given"] if task.has_given else [])
    lines += [
        "", "## Made of", "",
        f"`make zoo TASKS='{' '.join(names)}'`, from `examples/{task.name}/train` by the recipes "
        "in `models/zoo` and `overrides.txt`, on two shared cores: "
        f"{'; '.join(made_of(name) for name in names)}. Base "
        f"`{task.report['model_sha256'][:16]}`. Sets drawn from icons and fonts under the licences "
        "named in `docs/third-party.md`.", "", "Licence: Apache-2.0, as the project."]
    return "\n".join(lines) + "\n"


def table(tasks: list[Task]) -> str:
    lines = ["| task | grid | consistent: base | with the adapter | difference | adherence: base | "
             "with the adapter |", "|---|---|---|---|---|---|---|"]
    for task in tasks:
        base, adapter = task.rows["base"], task.rows["adapter"]
        lines.append(f"| `{task.name}` | {task.about['grid']} | {percent(base['consistency'])} | "
                     f"{percent(adapter['consistency'])} | "
                     f"{percent(task.difference('adapter consistency'), signed=True)} | "
                     f"{percent(base['adherence'])} | {percent(adapter['adherence'])} |")
    return "\n".join(lines)


def given_table(report: dict, tasks: list[Task]) -> str:
    lines = ["| task | told: traits kept, `TASK` | `TASK-given` | success, `TASK` | `TASK-given` | "
             "silent: traits kept, `TASK` | `TASK-given` | difference |",
             "|---|---|---|---|---|---|---|---|"]

    def line(name: str, rows: dict, difference: dict) -> str:
        cells = [(kind, measure) for kind, measure in
                 [("given replace", "identity/*"), ("given", "identity/*"),
                  ("given replace", "success"), ("given", "success"),
                  ("silent replace", "identity/*"), ("silent", "identity/*")]]
        values = " | ".join(percent(rows[kind][measure]) for kind, measure in cells)
        return f"| {name} | {values} | {percent(difference, signed=True)} |"

    for task in tasks:
        if task.has_given:
            lines.append(line(f"`{task.name}`", task.rows, task.difference("silent traits")))
    over_all = {row["row"]: row["measures"] for row in report["rows"]}
    difference = next(one for one in report["contrasts"] if one["name"] == "silent traits")
    lines.append(line("all", over_all, difference))
    return "\n".join(lines)


def put_between_marks(file: pathlib.Path, mark: str, text: str) -> None:
    before = file.read_text()
    after, count = re.subn(rf"(<!-- zoo: {mark} -->\n).*?(<!-- /zoo -->)",
                           lambda found: found.group(1) + text + "\n" + found.group(2), before,
                           flags=re.S)
    if count != 1:
        sys.exit(f"{file} must hold the marks '<!-- zoo: {mark} -->' and '<!-- /zoo -->' once.")
    file.write_text(after)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    about = about_tasks()
    report = json.loads(pathlib.Path(sys.argv[1]).read_text())
    tasks = [task for task in (Task(report, one) for one in report["tasks"]) if task.complete]
    for task in tasks:
        (ROOT / "models" / "zoo" / f"{task.name}.md").write_text(card(task, *about[task.name]))
    if len(tasks) == len(about):
        for document in (ROOT / "docs" / "zoo.md", ROOT / "README.md"):
            put_between_marks(document, "measured", table(tasks))
        put_between_marks(ROOT / "docs" / "zoo.md", "given", given_table(report, tasks))


if __name__ == "__main__":
    main()
