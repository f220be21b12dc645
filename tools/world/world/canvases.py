"""Canvases of several panels, related no more than pictures that happen to stand together."""

import dataclasses

import numpy as np

from world.captions import Caption, default_dialect, joint, length
from world.draws import Draws
from world.kinds import picture
from world.view import View

# rows, columns: how often
GRIDS = {(1, 2): 24, (2, 1): 22, (2, 2): 22, (3, 1): 16, (1, 3): 4, (2, 3): 2, (3, 2): 2, (4, 1): 3,
         (1, 4): 2, (3, 3): 3}
RELATIONS = {"plain": 60, "style": 15, "background": 15, "subject": 10}
ONE_KIND = 0.5  # of unrelated canvases have panels of one kind: four words, four portraits
MOST_TOKENS = 128


@dataclasses.dataclass
class JointCaption:
    overall: str
    panels: list[Caption]
    dialect: str

    @property
    def text(self) -> str:
        return joint(self.overall, [panel.text for panel in self.panels], self.dialect)


@dataclasses.dataclass
class Canvas:
    rows: int
    columns: int
    attributes: list[dict]
    pictures: list[np.ndarray]
    captions: list[JointCaption]


def grid_name(rows: int, columns: int) -> str:
    return f"{rows}x{columns}"


def _choose(view: View, count: int, draws: Draws, relations=None) -> tuple[str, list[dict]]:
    """Relation and attributes: panels share at most one thing, or nothing on purpose."""
    relation = draws.weighted(relations or RELATIONS)
    first = view.choose(draws)
    if relation != "plain" and first["kind"] != "picture":
        relation = "plain"
    chosen = [first]
    alike = len(view.kinds) > 1 and draws.chance(ONE_KIND)
    while len(chosen) < count:
        if relation == "plain":
            chosen.append(view.choose_kind(first["kind"], draws) if alike else view.choose(draws))
            continue
        other = view.choose(draws)
        if other["kind"] != "picture":
            continue
        other[relation] = first[relation]
        same = [key for key in ("subject", "style", "background") if other[key] == first[key]]
        if len(same) == 1 and picture.fits(view, other):
            chosen.append(other)
    return relation, chosen


def _caption(view: View, relation: str, attributes: list[dict], grid: tuple[int, int],
             draws: Draws, partial: float) -> JointCaption:
    catalogue, captions = view.catalogue, view.captions
    count = len(attributes)
    dialect = default_dialect(*grid)
    if draws.chance(0.15):
        dialect = draws.pick(["scene", "image", "panel"])
    wording = draws.pick(catalogue.wordings["overall"][relation])
    wording = wording.replace("{n}", catalogue.wordings["numbers"][count])
    overall = captions.fill(wording, attributes[0], draws).text
    forms = [("partial" if draws.chance(partial) else "short" if draws.chance(0.3) else "full")
             for _ in attributes]
    for attempt in range(1000):
        panels = [captions.one(entry, draws, form) for entry, form in zip(attributes, forms)]
        found = JointCaption(overall, panels, dialect)
        if length(found.text) <= MOST_TOKENS:
            return found
        forms[attempt % count] = "short"
    raise AssertionError(f"no caption of {count} panels fits {MOST_TOKENS} tokens")


def canvas(view: View, grid: tuple[int, int], draws: Draws, captions: int = 3,
           partial: float = 0.06, relations: dict[str, float] | None = None) -> Canvas:
    """`partial`: the share of panel captions that leave something open; `relations`: of the panels,
    and how often."""
    rows, columns = grid
    relation, attributes = _choose(view, rows * columns, draws.child("what"), relations)
    pictures = [view.draw(entry, draws.child("panel", i)) for i, entry in enumerate(attributes)]
    texts = [_caption(view, relation, attributes, grid, draws.child("caption", i), partial)
             for i in range(captions)]
    return Canvas(rows, columns, attributes, pictures, texts)


def glue(pictures: list[np.ndarray], rows: int, columns: int) -> np.ndarray:
    """One picture of all panels in reading order."""
    return np.concatenate([np.concatenate(pictures[r * columns:(r + 1) * columns], 1)
                           for r in range(rows)], 0)
