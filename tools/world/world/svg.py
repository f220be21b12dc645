"""Drawings of the project's own, as SVG in a square of 64, drawn anew for each picture."""

import functools
import math

import numpy as np
from PIL import Image

from world.draws import Draws
from world.icons import draw_svg
from world.sprites import PANEL

OVER = 2  # drawn larger, then averaged


def wrap(body: str, defs: str = "", high: int = PANEL) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 {high}"><defs>{defs}</defs>{body}</svg>')


@functools.lru_cache(maxsize=4096)
def rgba(svg: str, side: int = PANEL) -> Image.Image:
    """Premultiplied, `side` px, averaged from a larger drawing."""
    large = draw_svg(svg, OVER * side, OVER * side)
    return large.convert("RGBa").resize((side, side), Image.Resampling.BOX)


@functools.lru_cache(maxsize=4096)
def layer(svg: str, high: int = PANEL) -> np.ndarray:
    """float32 [2 high, 128, 4], premultiplied, 0 to 255: twice a panel's size, to be laid over others."""
    return np.asarray(draw_svg(svg, OVER * PANEL, OVER * high).convert("RGBa"), np.float32)


def stacked(layers: list[np.ndarray]) -> Image.Image:
    """The layers over one another, the first below: RGBa, twice a panel's size."""
    out = layers[0].copy()
    for above in layers[1:]:
        out *= 1 - above[:, :, 3:] / 255
        out += above
    return Image.fromarray(np.rint(np.minimum(out, 255)).astype(np.uint8), "RGBa")


def moved(large: Image.Image, draws: Draws, level: int) -> np.ndarray:
    """A drawing of twice a panel's size (or reaching below it) brought to a panel's: premultiplied
    uint8 [64, 64, 4], in another place and size: by up to 2 px at level 0, more and turned above."""
    size = (OVER * PANEL, OVER * PANEL)
    if level == 0:
        x, y = draws.between(-4, 4), draws.between(-4, 4)  # half pixels
        placed = Image.new("RGBa", size)
        placed.paste(large, (x, y))
    else:
        x, y = (OVER * draws.uniform(-4, 4) * level, OVER * draws.uniform(-3, 3) * level)
        scale = 1 / draws.uniform(1 - 0.12 * level, 1.04)
        angle = math.radians(draws.uniform(-5, 5) * level)
        cos, sin, half = math.cos(angle) * scale, math.sin(angle) * scale, size[0] / 2
        matrix = (cos, sin, half - cos * (half + x) - sin * (half + y),
                  -sin, cos, half + sin * (half + x) - cos * (half + y))
        placed = large.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(placed.reduce(OVER))


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
