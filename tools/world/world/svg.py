"""Drawings of the project's own, as SVG in a square of 64, drawn anew for each picture."""

import functools

import numpy as np
from PIL import Image

from world.draws import Draws
from world.icons import draw_svg
from world.sprites import PANEL

OVER = 2  # drawn larger, then averaged


def wrap(body: str, defs: str = "") -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><defs>{defs}</defs>{body}</svg>')


def moved(body: str, draws: Draws, level: int) -> str:
    """The body in another place and size: by up to 2 px at level 0, more and turned above."""
    x, y = (draws.uniform(-2, 2), draws.uniform(-2, 2)) if level == 0 else \
        (draws.uniform(-4, 4) * level, draws.uniform(-3, 3) * level)
    scale = 1.0 if level == 0 else draws.uniform(1 - 0.12 * level, 1.04)
    angle = 0.0 if level == 0 else draws.uniform(-5, 5) * level
    return (f'<g transform="translate({32 + x:.2f} {32 + y:.2f}) rotate({angle:.2f}) scale({scale:.3f}) '
            f'translate(-32 -32)">{body}</g>')


@functools.lru_cache(maxsize=4096)
def rgba(svg: str, side: int = PANEL) -> Image.Image:
    large = draw_svg(svg, OVER * side, OVER * side)
    return large.convert("RGBa").resize((side, side), Image.Resampling.BOX)


def picture(svg: str) -> np.ndarray:
    """uint8 [64, 64, 3], a copy; the SVG covers the square."""
    large = draw_svg(svg, OVER * PANEL, OVER * PANEL).convert("RGB")
    return np.array(large.resize((PANEL, PANEL), Image.Resampling.BOX))


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with a share of the other."""
    parts = [round(int(colour[i:i + 2], 16) * (1 - share) + int(other[i:i + 2], 16) * share)
             for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def darker(colour: str, share: float = 0.3) -> str:
    return mixed(colour, "#000000", share)


def lighter(colour: str, share: float = 0.3) -> str:
    return mixed(colour, "#ffffff", share)
