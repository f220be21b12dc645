"""A word in a font and a colour on a ground of another colour."""

import functools

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from world import colours, grounds, sources, sprites
from world.draws import Draws

APART = 55.0  # least difference of letters and ground, and of their lightness
LIGHTER = 18.0
LARGE = 4  # letters are drawn this much larger, then averaged
HIGH = 34  # px that letters may be high
BOLDER = {"chalk": 0.03, "comic": 0.025, "typewriter": 0.015, "script": 0.01}  # thin fonts at this size


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    while True:
        attributes = {"kind": "word", "word": draws.pick(values["word"]),
                      "font": draws.pick(list(values["font"])),
                      "colour": draws.pick(list(values["colour"])),
                      "background": draws.pick(view.catalogue.colour_grounds(view.tier))}
        if stands_out(view, attributes["colour"], attributes["background"]):
            return attributes


@functools.cache
def _apart(one: str, other: str) -> bool:
    return colours.difference(one, other) >= APART and colours.lighter_by(one, other) >= LIGHTER


def stands_out(view, colour: str, background: str) -> bool:
    catalogue = view.catalogue
    return _apart(catalogue.attributes["colour"][colour]["rgb"], catalogue.backgrounds[background]["colour"])


@functools.lru_cache(maxsize=4096)
def letters(font: str, word: str, width: int) -> np.ndarray:
    """How much each pixel is covered, uint8 [h, width or less]."""
    path = str(sources.font_path(font))
    bolder = BOLDER.get(font, 0.0)
    box = ImageFont.truetype(path, 200).getbbox(word, stroke_width=round(200 * bolder))
    size = min(200 * LARGE * width / (box[2] - box[0]), 200 * LARGE * HIGH / (box[3] - box[1]))
    face = ImageFont.truetype(path, size)
    box = face.getbbox(word, stroke_width=round(size * bolder))
    columns = -(-(box[2] - box[0]) // LARGE) * LARGE
    rows = -(-(box[3] - box[1]) // LARGE) * LARGE
    image = Image.new("L", (columns, rows))
    ImageDraw.Draw(image).text((-box[0], -box[1]), word, fill=255, font=face,
                              stroke_width=round(size * bolder))
    return np.asarray(image.resize((columns // LARGE, rows // LARGE), Image.Resampling.BOX))


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    """Level 0: 52 px wide or 34 high, moved by up to 3 px."""
    catalogue, level = view.catalogue, view.level
    out = grounds.varied(catalogue, attributes["background"], draws.child("ground"), level)
    width = 54 if level == 0 else 58 - 4 * draws.below(3 * level + 1)
    mask = letters(attributes["font"], attributes["word"], width)
    reach = 3 + 4 * level
    colour = np.array(colours.rgb(catalogue.attributes["colour"][attributes["colour"]]["rgb"]), np.uint16)
    cover = mask[:, :, None].astype(np.uint16)
    pixels = np.concatenate([(colour * cover + 127) // 255, cover], 2).astype(np.uint8)
    x = (64 - mask.shape[1]) // 2 + draws.between(-min(reach, 4), min(reach, 4))
    y = (64 - mask.shape[0]) // 2 + draws.between(-reach, reach)
    sprites.lay(out, pixels, x, y)
    return out
