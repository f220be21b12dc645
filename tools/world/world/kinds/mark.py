"""A mark: a simple shape in one colour on a plain ground."""

import functools

import numpy as np
from PIL import Image

from world import colours, grounds, icons, sprites
from world.draws import Draws
from world.kinds import word


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    while True:
        attributes = {"kind": "mark", "mark": draws.pick(list(values["mark"])),
                      "colour": draws.pick(mark_colours(view)),
                      "background": draws.pick(view.catalogue.colour_grounds(view.tier))}
        if word.stands_out(view, attributes["colour"], attributes["background"]):
            return attributes


def mark_colours(view) -> list[str]:
    """A mark must be seen on white objects too."""
    return [name for name in view.catalogue.attributes["colour"] if name not in ("white", "yellow")]


@functools.lru_cache(maxsize=4096)
def shape(icon: str, rgb: str, size: int) -> np.ndarray:
    """The icon's shape filled with one colour, premultiplied uint8 [h, w, 4], longer side `size`."""
    alpha = icons.icon("fluent-emoji-flat", icon).getchannel("A")
    scale = size / max(alpha.size)
    small = alpha.resize((max(1, round(alpha.width * scale)), max(1, round(alpha.height * scale))),
                         Image.Resampling.BOX)
    cover = np.asarray(small)[:, :, None].astype(np.uint16)
    colour = np.array(colours.rgb(rgb), np.uint16)
    return np.concatenate([(colour * cover + 127) // 255, cover], 2).astype(np.uint8)


def lay(view, out: np.ndarray, attributes: dict, size: int, x: float, y: float) -> None:
    """The mark with its middle at (x, y)."""
    values = view.catalogue.attributes
    pixels = shape(values["mark"][attributes["mark"]]["icon"],
                   values["colour"][attributes["colour"]]["rgb"], size)
    sprites.lay(out, pixels, round(x - pixels.shape[1] / 2), round(y - pixels.shape[0] / 2))


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    level = view.level
    out = grounds.varied(view.catalogue, attributes["background"], draws.child("ground"), level)
    size = 44 if level == 0 else draws.between(46 - 10 * level, 50)
    reach = 3 + 3 * level
    lay(view, out, attributes, size, 32 + draws.between(-reach, reach), 32 + draws.between(-reach, reach))
    return out
