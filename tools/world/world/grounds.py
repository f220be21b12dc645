"""Backgrounds: colours and scenes."""

import functools

import numpy as np
from PIL import Image

from world import icons
from world.catalogue import FOLDER, Catalogue
from world.colours import rgb
from world.draws import Draws
from world.sprites import PANEL

ROOM = 12  # px that a varied scene may be moved by in all


@functools.cache
def _scene(name: str, side: int) -> np.ndarray:
    svg = (FOLDER / "scenes" / f"{name}.svg").read_text()
    large = icons.draw_svg(svg, 4 * side, 4 * side).convert("RGB")
    return np.asarray(large.resize((side, side), Image.Resampling.BOX))


@functools.cache
def _colour(colour: str) -> np.ndarray:
    return np.broadcast_to(np.array(rgb(colour), np.uint8), (PANEL, PANEL, 3))


def steady(catalogue: Catalogue, name: str) -> np.ndarray:
    """uint8 [64, 64, 3], not to be written to."""
    entry = catalogue.backgrounds[name]
    return _colour(entry["colour"]) if "colour" in entry else _scene(name, PANEL)


def varied(catalogue: Catalogue, name: str, draws: Draws, level: int) -> np.ndarray:
    """The same with a little of other colour, place, and side; a copy. Level 0 is the steady one."""
    if level == 0:
        return steady(catalogue, name).copy()
    entry = catalogue.backgrounds[name]
    tint = np.array([draws.uniform(-5, 5) * level for _ in range(3)])
    if "colour" in entry:
        out = np.broadcast_to(np.array(rgb(entry["colour"])) + tint, (PANEL, PANEL, 3))
    else:
        large = _scene(name, PANEL + ROOM)
        x, y = draws.between(0, ROOM), draws.between(ROOM // 2, ROOM)
        out = large[y:y + PANEL, x:x + PANEL]
        if draws.chance(0.5):
            out = out[:, ::-1]
        out = out + tint
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
