"""A contact sheet: many drawings in one picture, to be looked at."""

import io
import pathlib

import numpy as np
from PIL import Image

from world.draws import Draws
from world.kinds import picture
from world.packs import publish, sample
from world.view import View

GAP = 2


def sheet(pictures: list[np.ndarray], columns: int) -> np.ndarray:
    rows = -(-len(pictures) // columns)
    side = 64 + GAP
    out = np.full((rows * side + GAP, columns * side + GAP, 3), 255, np.uint8)
    for i, drawing in enumerate(pictures):
        y, x = i // columns * side + GAP, i % columns * side + GAP
        out[y:y + 64, x:x + 64] = drawing
    return out


def every_subject(view: View, seed: str) -> list[np.ndarray]:
    """Each subject in each style, backgrounds in turn."""
    out = []
    for s, subject in enumerate(view.subjects):
        for t, style in enumerate(view.styles):
            for turn in range(len(view.backgrounds)):
                ground = view.backgrounds[(s * 3 + t * 7 + turn) % len(view.backgrounds)]
                attributes = {"kind": "picture", "subject": subject, "style": style,
                              "background": ground, "overlay": "none"}
                if picture.fits(view, attributes):
                    break
            out.append(view.draw(attributes, Draws(seed, "sheet", subject, style)))
    return out


def at_random(view: View, seed: str, count: int) -> list[np.ndarray]:
    return [sample(view, seed, index)[1] for index in range(count)]


def write(pictures: list[np.ndarray], columns: int, path: pathlib.Path, colours: int = 0) -> None:
    """PNG; `colours` > 0: with a palette of that many, for a smaller file."""
    image = Image.fromarray(sheet(pictures, columns))
    if colours:
        image = image.quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    publish(file.getvalue(), path)
