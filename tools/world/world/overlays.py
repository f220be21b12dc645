"""What is in the air: sand, sparkles, rain."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from world.draws import Draws
from world.sprites import PANEL

NAMES = ["sand", "sparkles", "rain"]


@functools.cache
def _veils() -> tuple[np.ndarray, ...]:
    """A few clouds of sand, float [64, 64] from 0 to 1: bands that blow from left to right."""
    out = []
    for number in range(8):
        draws = Draws("veil", number)
        picture = Image.new("L", (2 * PANEL, 2 * PANEL), 90)
        pen = ImageDraw.Draw(picture)
        for _ in range(26):
            x, y = draws.between(-60, 110), draws.between(-10, 130)
            long, high = draws.between(40, 110), draws.between(3, 12)
            pen.ellipse((x, y, x + long, y + high), fill=draws.pick([30, 150, 200, 235]))
        soft = picture.filter(ImageFilter.GaussianBlur(5)).resize((PANEL, PANEL), Image.Resampling.BOX)
        out.append(np.asarray(soft) / 255.0)
    return tuple(out)


def _sand(picture: np.ndarray, draws: Draws) -> np.ndarray:
    veil = 0.22 + 0.62 * draws.pick(_veils())[:, :, None]
    mixed = picture * (1 - veil) + np.array([214.0, 166.0, 96.0]) * veil
    for _ in range(70):  # grains
        x, y = draws.below(PANEL - 2), draws.below(PANEL)
        mixed[y, x:x + 2] = mixed[y, x:x + 2] * 0.4 + np.array([120.0, 84.0, 40.0]) * 0.6
    return mixed


@functools.cache
def _spark(size: int) -> np.ndarray:
    """A star of light, float [side, side]: its light from 0 to 1."""
    side = 2 * size + 1
    y, x = np.abs(np.mgrid[-size:size + 1, -size:size + 1])
    light = np.exp(-(x * y) * 0.9) * np.clip(1 - np.maximum(x, y) / (size + 0.5), 0, 1)
    light[(side - 1) // 2, (side - 1) // 2] = 1
    return light


def _sparkles(picture: np.ndarray, draws: Draws) -> np.ndarray:
    out = picture * 0.72  # darker, so that light shows
    for _ in range(13):
        size = draws.between(3, 7)
        light = _spark(size)[:, :, None]
        x, y = draws.between(0, PANEL - 1) - size, draws.between(0, PANEL - 1) - size
        x0, y0, x1, y1 = max(0, x), max(0, y), min(PANEL, x + 2 * size + 1), min(PANEL, y + 2 * size + 1)
        part = light[y0 - y:y1 - y, x0 - x:x1 - x]
        out[y0:y1, x0:x1] = out[y0:y1, x0:x1] * (1 - part) + np.array([255.0, 240.0, 170.0]) * part
    return out


def _rain(picture: np.ndarray, draws: Draws) -> np.ndarray:
    sheet = Image.new("L", (2 * PANEL, 2 * PANEL))
    pen = ImageDraw.Draw(sheet)
    for _ in range(30):
        x, y, long = draws.between(0, 140), draws.between(-14, 126), draws.between(12, 20)
        pen.line((x, y, x - long // 3, y + long), fill=220, width=3)
    light = np.asarray(sheet.resize((PANEL, PANEL), Image.Resampling.BOX))[:, :, None] / 255.0
    grey = picture * 0.78 + np.array([96.0, 112.0, 136.0]) * 0.22
    return grey * (1 - light) + np.array([226.0, 240.0, 255.0]) * light


def add(picture: np.ndarray, name: str, draws: Draws) -> np.ndarray:
    """The picture (uint8 [64, 64, 3]) with the overlay; "none" gives it back."""
    if name == "none":
        return picture
    draw = {"sand": _sand, "sparkles": _sparkles, "rain": _rain}[name]
    return np.clip(np.rint(draw(picture.astype(np.float64), draws)), 0, 255).astype(np.uint8)
