"""Sets of the ten tasks (catalogue/tasks.yaml): panels that share what their prompts leave open.

OUT/train/sets/ID/1.png ... caption.json    and OUT/held-out/ the same
OUT/train/labels.jsonl     a line a set: id, grid, text, shared {attribute: value}, panels [{labels, says}]
OUT/task.json              name, grid, shared, varies
"""

import dataclasses
import json
import pathlib

import numpy as np

from world import captions, sets
from world.captions import Caption
from world.catalogue import CatalogueError
from world.draws import Draws
from world.kinds import mark, picture, word
from world.packs import jsonl, publish, write_classes
from world.view import View

MOST_TRIES = 10000


@dataclasses.dataclass
class TaskSet:
    overall: str
    panels: list[Caption]
    attributes: list[dict]
    pictures: list[np.ndarray]
    text: str


class Task:
    def __init__(self, view: View, name: str):
        tasks = view.catalogue.tasks
        if name not in tasks:
            raise CatalogueError(f"there is no task '{name}'; there are {', '.join(tasks)}.")
        self.name, self.view, self.entry = name, view, tasks[name]
        self.rows, self.columns = map(int, self.entry["grid"].split("x"))
        self.count = self.rows * self.columns
        kinds = self.entry["kind"]
        self.kinds = [kinds] * self.count if isinstance(kinds, str) else kinds
        self.shared = self.entry["shared"]

    def _values(self, attribute: str, kind: str) -> list[str]:
        view, only = self.view, self.entry.get("only", {}).get(attribute)
        if attribute == "subject":
            subjects = view.catalogue.subjects
            return [name for name in view.subjects
                    if not subjects[name].plural and (only is None or subjects[name].group in only)]
        if attribute == "style":
            return view.styles
        if attribute == "background":
            colours = view.catalogue.colour_grounds(view.tier)
            if only == "scenes":
                return [name for name in view.backgrounds if name not in colours]
            if kind == "picture":
                return view.backgrounds
            return [name for name in colours if kind != "carrier" or name != "white"]
        if attribute == "colour" and kind in ("mark", "carrier"):
            return mark.mark_colours(view)
        return list(view.catalogue.classes[attribute])

    def _varied(self, attribute: str, rule, draws: Draws) -> list[str]:
        """The values of one attribute, panel by panel."""
        if isinstance(rule, list):
            return rule
        if isinstance(rule, dict):
            return draws.some(rule["shuffled"], self.count)
        values = [self._values(attribute, kind) for kind in self.kinds]
        if rule == "any":
            return [draws.pick(choice) for choice in values]
        out: list[str] = []
        for choice in values:
            out.append(draws.pick([value for value in choice if value not in out]))
        return out

    def choose(self, draws: Draws) -> list[dict] | None:
        """Attributes of all panels, or None where they would not be legible."""
        common = {attribute: draws.pick(self._values(attribute, self.kinds[-1]))
                  for attribute in self.shared}
        common |= self.entry.get("fixed", {})
        varied = {attribute: self._varied(attribute, rule, draws)
                  for attribute, rule in self.entry["varies"].items()}
        panels = [{"kind": kind} | common | {key: values[i] for key, values in varied.items()}
                  for i, kind in enumerate(self.kinds)]
        for panel in panels:
            if panel["kind"] != "carrier":
                panel.pop("carrier", None)
        return panels if all(self._fits(panel) for panel in panels) else None

    def _fits(self, panel: dict) -> bool:
        if panel["kind"] == "picture":
            return picture.fits(self.view, panel)
        if panel["kind"] in ("word", "mark", "portrait"):
            return word.stands_out(self.view, panel["colour"], panel["background"])
        return True

    def draw(self, panels: list[dict], draws: Draws) -> TaskSet:
        if self.entry.get("named"):
            name = draws.pick(self.view.catalogue.attributes["name"])
            panels = [panel | {"name": name} for panel in panels]
        how = [draws.child("how", 0 if self.entry.get("still") else i) for i in range(self.count)]
        pictures = [self.view.draw(panel, one) for panel, one in zip(panels, how)]
        fill = self.view.captions.fill
        overall = fill(draws.pick(self.entry["overall"]), panels[0], draws).text
        texts = [fill(draws.pick(self.entry["rest" if i else "first"]), panel, draws)
                 for i, panel in enumerate(panels)]
        dialect = captions.default_dialect(self.rows, self.columns)
        text = captions.joint(overall, [one.text for one in texts], dialect)
        return TaskSet(overall, texts, panels, pictures, text)

    def _different(self, seed: str, wanted: int, key: list[str], in_order: bool) -> list[tuple[list[dict], Draws]]:
        """The panels of up to so many sets, no two with the same values of these attributes."""
        seen, out = set(), []
        for attempt in range(MOST_TRIES):
            if len(out) == wanted:
                break
            draws = Draws(seed, "task", self.name, attempt)
            panels = self.choose(draws.child("what"))
            if panels is None:
                continue
            values = [[str(panel.get(attribute)) for panel in panels] for attribute in key]
            mine = tuple(tuple(one if in_order else sorted(one)) for one in values)
            if mine not in seen:
                seen.add(mine)
                out.append((panels, draws.child("draw")))
        return out

    def many(self, seed: str, train: int, held_out: int) -> dict[str, list[TaskSet]]:
        """Different sets; where there are enough values to share, no two sets share the same, and
        where there are enough to vary, no two have the same panels in another order."""
        room = 1
        for attribute in self.shared:
            room *= len(self._values(attribute, self.kinds[-1]))
        wanted = train + held_out
        if room >= 1.25 * wanted:
            chosen = self._different(seed, wanted, self.shared, in_order=False)
        else:
            key = [*self.shared, *self.entry["varies"]]
            chosen = self._different(seed, wanted, key, in_order=False)
            if len(chosen) < wanted:
                chosen = self._different(seed, wanted, key, in_order=True)
        if len(chosen) < wanted:
            raise CatalogueError(f"the task '{self.name}' has no {wanted} different sets, only "
                                 f"{len(chosen)}; ask for fewer.")
        out = [self.draw(*one) for one in chosen]
        return {"train": out[:train], "held-out": out[train:]}


def write_task(view: View, name: str, train: int, held_out: int, seed: str, out: pathlib.Path) -> None:
    task = Task(view, name)
    for part, made in task.many(seed, train, held_out).items():
        lines = []
        for number, one in enumerate(made, 1):
            identity = f"{number:03d}"
            sets.write_set(out / part / "sets", identity, one.overall,
                           [panel.text for panel in one.panels], one.pictures,
                           task.entry["grid"], name)
            lines.append({"id": identity, "grid": task.entry["grid"], "text": one.text,
                          "overall": one.overall,
                          "shared": {key: one.attributes[0][key] for key in task.shared},
                          "panels": [{"text": panel.text, "says": sorted(panel.says - {"kind"}),
                                      "labels": {key: value for key, value in entry.items() if key != "name"}}
                                     for panel, entry in zip(one.panels, one.attributes)]})
        publish(jsonl(lines), out / part / "labels.jsonl")
    about = {"task": name, "grid": task.entry["grid"], "shared": task.shared,
             "varies": list(task.entry["varies"])}
    publish(json.dumps(about, indent=1).encode() + b"\n", out / "task.json")
    write_classes(view, out)

