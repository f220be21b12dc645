#!/usr/bin/env python3
"""Writes models/zoo/TASK.md and the table in docs/zoo.md and README.md from what was measured.

    tools/zoo_cards.py build/zoo/*/measured/eval.json

Figures come from `iclora eval` (tools/zoo_measure.sh), training's facts from the run beside them.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MEASURES = [("consistency", "sets whose panels share what they should"),
            ("different", "sets whose panels differ where they should"),
            ("success", "both"),
            ("adherence", "panels that show what their own prompt tells")]


def percent(estimate: dict, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return (f"{100 * estimate['value']:{sign}.0f} "
            f"({100 * estimate['low']:{sign}.0f} to {100 * estimate['high']:{sign}.0f})")


def row_of(report: dict, kind: str) -> dict | None:
    return next((row for row in report["rows"] if row["kind"] == kind), None)


def about_tasks() -> dict[str, tuple[str, str]]:
    """What panels share and where they differ, from the table in examples/README.md."""
    out = {}
    for line in (ROOT / "examples" / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            out[cells[0].strip("`")] = (cells[2], cells[3])
    return out


def card(report: dict, run: pathlib.Path, shares: str, differs: str) -> str:
    task, grid = report["task"], report["grid"]
    base, adapter, rebuilt = (row_of(report, kind) for kind in ("base", "lora", "rebuilt"))
    difference = report["differences"][0]["measures"]
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    example = json.loads((ROOT / "examples" / task / "held-out" / "sets" / "001" /
                          "caption.json").read_text())
    prompts = " ".join(f"--panel-prompt '{part}'" for part in example["panels"])
    lines = [
        f"# {task}", "",
        f"An In-Context LoRA of rank 16 for flux-mini; a set is a canvas of {grid} panels of 64x64 "
        f"pixels. All panels share: {shares}. They differ in: {differs}. Only the first panel's "
        "prompt tells what is shared; the others leave it open, so that it can only come from the "
        "other panels.", "", "```",
        f"iclora generate --task {task} --prompt '{example['overall']}' {prompts} --out {task}.png",
        "```", "", "## Measured", "",
        f"{report['count']} held-out sets, canvases of each: {report['repeat']}, "
        f"{report['settings']['steps']} steps, "
        f"guidance {report['settings']['guidance']:g}, the same seeds in both columns; per cent "
        "with 95 % intervals (bootstrap over sets, differences paired). `rebuilt`: the real sets "
        "through the model's autoencoder, the best that can be read.", "",
        "| | rebuilt | base alone | with the adapter | difference |", "|---|---|---|---|---|"]
    for measure, meaning in MEASURES:
        if measure not in adapter["measures"]:
            continue
        lines.append(f"| {measure}: {meaning} | {percent(rebuilt['measures'][measure])} | "
                     f"{percent(base['measures'][measure])} | "
                     f"{percent(adapter['measures'][measure])} | "
                     f"{percent(difference[measure], signed=True)} |")
    lines += [
        "", "## Made of", "",
        f"`make zoo TASKS={task}`: 40 sets (`examples/{task}/train`), {len(steps)} steps of "
        f"four sets (`models/zoo/recipe.yaml`, `overrides.txt`), {sum(s['seconds'] for s in steps) / 60:.1f} minutes "
        "of two shared cores; base "
        f"`{report['model_sha256'][:16]}`, adapter `{adapter['sha256'][:16]}` (sha256). Sets drawn "
        "from icons and fonts under the licences named in `docs/third-party.md`.", "",
        "Licence: Apache-2.0, as the project."]
    return "\n".join(lines) + "\n"


def table(reports: list[dict]) -> str:
    lines = ["| task | grid | consistent: base | with the adapter | difference | adherence: base | "
             "with the adapter |", "|---|---|---|---|---|---|---|"]
    for report in reports:
        base, adapter = row_of(report, "base")["measures"], row_of(report, "lora")["measures"]
        difference = report["differences"][0]["measures"]
        lines.append(f"| `{report['task']}` | {report['grid']} | {percent(base['consistency'])} | "
                     f"{percent(adapter['consistency'])} | "
                     f"{percent(difference['consistency'], signed=True)} | "
                     f"{percent(base['adherence'])} | {percent(adapter['adherence'])} |")
    return "\n".join(lines)


def put_between_marks(file: pathlib.Path, text: str) -> None:
    before = file.read_text()
    after, count = re.subn(r"(<!-- zoo: measured -->\n).*?(<!-- /zoo -->)",
                           lambda found: found.group(1) + text + "\n" + found.group(2), before,
                           flags=re.S)
    if count != 1:
        sys.exit(f"{file} must hold the marks '<!-- zoo: measured -->' and '<!-- /zoo -->' once.")
    file.write_text(after)


def main() -> None:
    tasks = about_tasks()
    reports = []
    for name in sorted(sys.argv[1:]):
        file = pathlib.Path(name)
        report = json.loads(file.read_text())
        reports.append(report)
        (ROOT / "models" / "zoo" / f"{report['task']}.md").write_text(
            card(report, file.parents[1], *tasks[report["task"]]))
    if len(reports) == len(tasks):
        for document in (ROOT / "docs" / "zoo.md", ROOT / "README.md"):
            put_between_marks(document, table(reports))


if __name__ == "__main__":
    main()
