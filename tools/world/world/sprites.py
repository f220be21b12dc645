"""Subjects ready to be placed: premultiplied, in the size and angle asked for."""

import functools
import math

import numpy as np
from PIL import Image

from world import finishes, icons

PANEL = 64


def _premultiplied(picture: Image.Image) -> Image.Image:
    return picture.convert("RGBa")


@functools.cache
def sprite(icon_set: str, name: str, finish: str) -> Image.Image:
    """RGBa (premultiplied), SIDE x SIDE."""
    return _premultiplied(finishes.FINISHES[finish](icons.icon(icon_set, name)))


@functools.lru_cache(maxsize=40000)
def _small(icon_set: str, name: str, finish: str, side: int) -> np.ndarray:
    """uint8 [side, side, 4], premultiplied."""
    return np.asarray(sprite(icon_set, name, finish).resize((side, side), Image.Resampling.LANCZOS))


@functools.lru_cache(maxsize=4000)
def _level(icon_set: str, name: str, finish: str, side: int) -> Image.Image:
    return sprite(icon_set, name, finish).resize((side, side), Image.Resampling.LANCZOS)


def side_of(size: float) -> float:
    """Side of the sprite, in px, for a subject whose longer side is `size` px."""
    return size * finishes.SIDE / icons.LARGE


def lay(picture: np.ndarray, sprite_pixels: np.ndarray, x: int, y: int) -> None:
    """Puts premultiplied pixels on a picture uint8 [H, W, 3], its corner at (x, y); may reach over."""
    height, width = picture.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width, x + sprite_pixels.shape[1]), min(height, y + sprite_pixels.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = sprite_pixels[y0 - y:y1 - y, x0 - x:x1 - x]
    ground = picture[y0:y1, x0:x1]
    mixed = ground.astype(np.uint16) * (255 - part[:, :, 3:].astype(np.uint16))
    mixed += 127
    mixed //= 255
    mixed += part[:, :, :3]
    np.minimum(mixed, 255, out=mixed)
    picture[y0:y1, x0:x1] = mixed


def place(picture: np.ndarray, icon: tuple[str, str, str], size: float, x: float, y: float,
          angle: float = 0.0) -> None:
    """Puts a subject (icon set, name, finish) of `size` px on a picture, its middle at (x, y), turned
    by `angle` degrees. Whole sizes without an angle are the fast way."""
    if angle == 0.0 and size == int(size):
        side = round(side_of(size))
        lay(picture, _small(*icon, side), round(x - side / 2), round(y - side / 2))
        return
    # A level of about the right size, then one exact affine step.
    side = side_of(size)
    level = 8 * round(side / 8)
    scale = level / side
    cos, sin = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
    half = level / 2
    matrix = (cos, sin, half - cos * x - sin * y, -sin, cos, half + sin * x - cos * y)
    turned = _level(*icon, level).transform((picture.shape[1], picture.shape[0]),
                                            Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    lay(picture, np.asarray(turned), 0, 0)
