#!/usr/bin/env python3
"""Writes docs/claims.md from a comparison: claims.py [compared/study.json].

The claims and what is held against each stand here; every figure comes from the report of
`iclora eval --plan examples/comparison.yaml`. Without a report, or where it lacks a contrast, the page
says that it has not been measured. What is written by hand between `<!-- remarks -->` and
`<!-- /remarks -->` under a claim stays.
"""

import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

# (title, what the paper or its followers say, contrasts of examples/comparison.yaml, rows to show)
CLAIMS = [
    ("An untrained model makes sets",
     "\"Existing text-to-image DiTs can effectively perform in-context generation without any tuning\"; a "
     "LoRA makes sets that \"better adhere to prompts\" (In-Context LoRA, abstract).",
     ["training-free ability", "training-free ability, traits", "a LoRA adds consistency",
      "a LoRA keeps adherence"],
     ["drawn", "rebuilt", "shuffled", "base", "IC-LoRA main, 40 sets"]),
    ("Images side by side do what token sequences do",
     "\"Concatenate images instead of tokens\" (In-Context LoRA, abstract), against Group Diffusion "
     "Transformers, which concatenate tokens.",
     ["images against tokens untrained", "images against tokens trained",
      "images against tokens trained, traits", "images against tokens trained, words"],
     ["base", "base by GDT", "IC-LoRA main, 40 sets", "GDT, 40 sets"]),
    ("Small sets suffice",
     "\"Task-specific LoRA tuning using small datasets (e.g., 20~100 samples)\" (In-Context LoRA, "
     "abstract).",
     ["twenty sets suffice", "twenty sets suffice, traits"],
     ["base", "IC-LoRA, 10 sets", "IC-LoRA, 20 sets", "IC-LoRA main, 40 sets", "IC-LoRA, 100 sets"]),
    ("A LoRA does what full tuning does",
     "A LoRA on small data \"instead of full-parameter tuning with large datasets\" (In-Context LoRA, "
     "abstract). Expected here: a LoRA of 40 sets comes within 5 points of full tuning on 400.",
     ["LoRA against full tuning", "LoRA against full tuning on ten times the data",
      "LoRA against full tuning on ten times the data, traits", "full tuning at a tenth of the rate",
      "full tuning at a third of the rate",
      "LoRA against full tuning on ten times the data at a tenth of the rate",
      "LoRA against full tuning on ten times the data at a third of the rate",
      "ten times the data for a LoRA", "LoRA against full tuning on as many data"],
     ["IC-LoRA main, 40 sets", "IC-LoRA, 100 sets", "IC-LoRA, 400 sets", "full, 40 sets", "full, 100 sets",
      "full, 400 sets", "full at a tenth, 400 sets", "full at a third, 400 sets"]),
    ("Conditioning by SDEdit is unstable, and clean panels mend it",
     "The paper's authors say so of masked sampling with SDEdit on their project page. Expected here: "
     "clean panels after conditional training keep it in at least 20 points more of the drawn panels.",
     ["clean against sdedit", "clean at zero against sdedit", "clean against sdedit without words",
      "traits kept by clean at zero against sdedit", "traits kept without words",
      "one timestep against zero", "one timestep against zero without words",
      "what training without words adds",
      "what training without words adds without words", "given panels that see only each other",
      "given panels that see only each other without words", "replace against sdedit", "attention gain",
      "conditional training costs the joint task", "conditional training costs the joint task, traits",
      "conditional training costs the joint task, words", "training panels apart costs the joint task"],
     ["IC-LoRA main, 40 sets", "conditional LoRA, 40 sets", "apart LoRA, 40 sets", "given sdedit, 40 sets",
      "given replace, 40 sets", "given clean untrained, 40 sets", "given clean told zero, 40 sets",
      "given clean, 40 sets", "given clean zero, 40 sets", "given clean apart, 40 sets",
      "silent sdedit, 40 sets", "silent clean told zero, 40 sets", "silent clean, 40 sets",
      "silent clean zero, 40 sets", "silent clean apart, 40 sets"]),
    ("Choosing among seeds helps",
     "Early steps tell good seeds from bad ones (ICEdit, arXiv 2504.20690). Four seeds in eight of twenty "
     "steps cost as much as 1.6 further canvases.",
     ["choosing by what is read", "choosing by pixels", "choosing with an adapter"],
     ["base", "base best of 4", "base best of 4 by pixels", "IC-LoRA main, 40 sets",
      "IC-LoRA best of 4, 40 sets"]),
]
MEASURES = [("success", "success"), ("consistency", "consistent"), ("consistency/*", "traits equal"),
            ("adherence", "adherence"), ("identity", "identity kept"), ("identity/*", "traits kept")]


def figure(estimate: dict, signed: bool = False) -> str:
    sign = "+" if signed else ""
    return (f"{100 * estimate['value']:{sign}.1f} "
            f"({100 * estimate['low']:{sign}.1f} to {100 * estimate['high']:{sign}.1f})")


def verdict(contrast: dict) -> str:
    if "at_least" not in contrast or "holds" not in contrast:
        return ""
    says = {"yes": "holds", "no": "does not hold", "open": "open"}[contrast["holds"]]
    return f"at least {100 * contrast['at_least']:+.0f}: {says}"


def contrasts_table(names: list[str], report: dict) -> list[str]:
    known = {one["name"]: one for one in report.get("contrasts", [])}
    out = ["| contrast | a minus b | measure | points (95 % interval) | sets, tasks | expected |",
           "|---|---|---|---|---|---|"]
    for name in names:
        one = known.get(name)
        if one is None or "value" not in one:
            out.append(f"| {name} | | | not measured yet | | |")
            continue
        out.append(f"| {name} | {one['a']} minus {one['b']} | {one['measure']} | {figure(one, True)} | "
                   f"{one['sets']}, {len(one['by_task'])} | {verdict(one)} |")
    return out


def rows_table(labels: list[str], tasks: dict[str, dict]) -> list[str]:
    """These rows over these tasks, all of which have them."""

    def mean(label: str, key: str) -> str:
        found = [rows[label][key] for rows in tasks.values() if key in rows[label]]
        sets = sum(one["sets"] for one in found)
        return f"{100 * sum(one['value'] * one['sets'] for one in found) / sets:.1f}" if sets else ""

    table = {label: {key: mean(label, key) for key, _ in MEASURES} for label in labels}
    shown = [(key, title) for key, title in MEASURES if any(row[key] for row in table.values())]
    if not shown:
        return []
    out = [f"Over {', '.join(tasks)}:", "",
           "| row | " + " | ".join(f"{title}, %" for _, title in shown) + " |",
           "|---" * (len(shown) + 1) + "|"]
    return out + [f"| {label} | " + " | ".join(row[key] for key, _ in shown) + " |"
                  for label, row in table.items()] + [""]


def rows_tables(labels: list[str], report: dict) -> list[str]:
    """The rows over those tasks that have every one of them (over others they would be of other sets, and
    nobody could hold one against the other), and those that every task has over all."""
    tasks = {task["task"]: {row["row"]: row["measures"] for row in task["rows"]}
             for task in report.get("tasks", [])}
    known = [label for label in labels if any(label in rows for rows in tasks.values())]
    common = {name: rows for name, rows in tasks.items() if all(label in rows for label in known)}
    everywhere = [label for label in known if all(label in rows for rows in tasks.values())]
    out = rows_table(known, common) if known and common else []
    if len(everywhere) > 2 and len(common) < len(tasks):
        out += rows_table(everywhere, tasks)
    return out


def by_task(names: list[str], report: dict) -> list[str]:
    out = []
    for one in report.get("contrasts", []):
        if one["name"] in names and len(one["by_task"]) > 1:
            tasks = ", ".join(f"{entry['task']} {figure(entry, True)}" for entry in one["by_task"])
            out.append(f"- {one['name']}, by task: {tasks}.")
    return out


def remarks_of(page: str) -> dict[str, str]:
    """What was written by hand under each claim's title; it may have headings of its own."""
    out = {}
    for part in page.split("<!-- /remarks -->\n")[:-1]:
        above, _, remarks = part.partition("<!-- remarks -->\n")
        if remarks.strip():
            out[re.findall(r"^## (.*)$", above, flags=re.M)[-1]] = remarks.strip()
    return out


def page(report: dict, remarks: dict[str, str]) -> str:
    lines = ["# The paper's claims on flux-mini", "",
             "Written by `tools/claims.py` from the report of `examples/comparison.yaml` (`docs/study.md`); "
             "flux-mini is a small model of a drawn world, and what holds here need not hold for FLUX.1, "
             "nor the other way round."]
    if report:
        settings = report["settings"]
        lines += ["", f"Model {report['model_sha256'][:16]}, {settings['steps']} steps, guidance "
                      f"{settings['guidance']}, {len(report['tasks'])} tasks, "
                      f"{report['missing']} rows not there yet. Intervals are over sets."]
    else:
        lines += ["", "Nothing has been measured yet."]
    for title, said, contrasts, rows in CLAIMS:
        lines += ["", f"## {title}", "", said, "", *contrasts_table(contrasts, report)]
        tail = by_task(contrasts, report)
        lines += ["", *rows_tables(rows, report), *tail]
        if not tail:
            del lines[-1]
        lines += ["", "<!-- remarks -->", *([remarks[title]] if title in remarks else []),
                  "<!-- /remarks -->"]
    return "\n".join(lines) + "\n"


def main() -> None:
    report = json.loads(pathlib.Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else {}
    out = ROOT / "docs" / "claims.md"
    before = out.read_text() if out.exists() else ""
    asked = {name for _, _, contrasts, _ in CLAIMS for name in contrasts}
    unknown = asked - {one["name"] for one in report.get("contrasts", [])}
    if report and unknown:
        sys.exit(f"{sys.argv[1]} knows nothing of {', '.join(sorted(unknown))}; is it of examples/comparison.yaml?")
    remarks = remarks_of(before)
    lost = remarks.keys() - {title for title, *_ in CLAIMS}
    if lost:
        sys.exit(f"{out} has remarks under titles that are no claims any more: {', '.join(sorted(lost))}.")
    out.write_text(page(report, remarks))
    print(out.relative_to(ROOT))


if __name__ == "__main__":
    main()
