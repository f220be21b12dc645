"""Captions for measuring a model, with what each panel must then show.

A line a canvas: {"id", "caption", "grid", "panels": [{column: class}, ...]}, panels in reading order.
A panel states what its caption tells, and that nothing is in the air where a picture's caption tells
of nothing. Panels are unrelated, so that only its own part of the caption says what a panel shows.
"""

import pathlib

from world import canvases
from world.captions import Caption
from world.draws import Draws
from world.packs import jsonl, publish
from world.view import View


def expected(attributes: dict, caption: Caption) -> dict[str, str]:
    """What the panel of this caption must show."""
    out = {column: value for column, value in attributes.items() if column in caption.says}
    if attributes.get("overlay") == "none":
        out["overlay"] = "none"
    return out


def _one(view: View, grid: tuple[int, int], draws: Draws) -> tuple[str, list[dict]]:
    if grid == (1, 1):
        attributes = view.choose(draws.child("what"))
        caption = view.captions.one(attributes, draws, "short" if draws.chance(0.3) else "full")
        return caption.text, [expected(attributes, caption)]
    made = canvases.canvas(view, grid, draws, captions=1, partial=0.0, relations={"plain": 1})
    caption = made.captions[0]
    return caption.text, [expected(*panel) for panel in zip(made.attributes, caption.panels)]


def lines(view: View, count: int, grid: tuple[int, int], seed: str) -> list[dict]:
    name = canvases.grid_name(*grid)
    out = []
    for index in range(count):
        text, panels = _one(view, grid, Draws(seed, "held-out", name, index))
        out.append({"id": f"{name}-{index + 1:04d}", "caption": text, "grid": name, "panels": panels})
    return out


def write_captions(view: View, count: int, grids: list[tuple[int, int]], seed: str,
                   out: pathlib.Path) -> None:
    """`count` captions of each grid."""
    publish(jsonl([line for grid in grids for line in lines(view, count, grid, seed)]), out)
