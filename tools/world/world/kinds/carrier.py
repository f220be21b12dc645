"""A white object that carries a mark: mug, bag, shirt, sign, box, flag, cap, book."""

import numpy as np

from world import grounds, sprites, svg
from world.draws import Draws
from world.kinds import mark

LINE = 'stroke="#5b6270" stroke-width="1.400" stroke-linejoin="round" stroke-linecap="round"'
BODY = "#ffffff"
SHADE = "#dfe3ea"

# The drawing, and where the mark stands: middle and size.
OBJECTS = {
    "mug": (f'<path d="M45 24h5q8 0 8 9t-8 10h-5" fill="none" stroke="#5b6270" stroke-width="6"/>'
            f'<path d="M45 24h5q8 0 8 9t-8 10h-5" fill="none" stroke="{BODY}" stroke-width="3.400"/>'
            f'<path d="M9 14h37v34q0 6-6 6H15q-6 0-6-6z" fill="{BODY}" {LINE}/>'
            f'<ellipse cx="27.500" cy="14" rx="18.500" ry="4" fill="{SHADE}" {LINE}/>', 27.5, 36, 24),
    "bag": (f'<path d="M22 22v-6q0-9 10-9t10 9v6" fill="none" {LINE} style="stroke-width:2.4"/>'
            f'<path d="M12 20h40l3 38H9z" fill="{BODY}" {LINE}/><path d="M52 20l3 38h-6l-2-38z" fill="{SHADE}"/>',
            30.5, 39, 26),
    "shirt": (f'<path d="M22 9q10 7 20 0l15 8-6 13-7-4v31H20V26l-7 4-6-13z" fill="{BODY}" {LINE}/>'
              f'<path d="M22 9q10 7 20 0l-3 0q-7 4-14 0z" fill="{SHADE}" {LINE}/>', 32, 36, 21),
    "sign": (f'<path d="M30 44h4v18h-4z" fill="#8b93a1" {LINE}/>'
             f'<path d="M8 6h48q3 0 3 3v32q0 3-3 3H8q-3 0-3-3V9q0-3 3-3z" fill="{BODY}" {LINE}/>', 32, 25, 29),
    "box": (f'<path d="M8 22h48v36H8z" fill="{BODY}" {LINE}/><path d="M8 22L15 10h34l7 12z" fill="{SHADE}" {LINE}/>'
            f'<path d="M28 22l1-12h6l1 12z" fill="#c9b28a"/>', 32, 41, 27),
    "flag": (f'<path d="M8 5v56" fill="none" stroke="#5b6270" stroke-width="3.400"/>'
             f'<path d="M10 8q11-5 23 0t24 0v35q-12 5-24 0t-23 0z" fill="{BODY}" {LINE}/>', 33, 25.5, 26),
    "cap": (f'<path d="M9 42q-1-26 22-28 21 0 22 26l8 4q3 6-6 6-24-5-46-2z" fill="{BODY}" {LINE}/>'
            f'<path d="M9 42q23-5 44-2l8 4q3 6-6 6-24-5-46-2z" fill="{SHADE}" {LINE}/>', 30, 28.5, 20),
    "book": (f'<path d="M12 6h38q4 0 4 4v46q0 3-3 3H14q-4 0-4-4V8z" fill="{BODY}" {LINE}/>'
             f'<path d="M10 8q0-2 4-2h4v53h-4q-4 0-4-4z" fill="{SHADE}" {LINE}/>', 36, 30, 28),
}


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    grounds_ = [name for name in view.catalogue.colour_grounds(view.tier) if name != "white"]
    return {"kind": "carrier", "carrier": draws.pick(list(values["carrier"])),
            "mark": draws.pick(list(values["mark"])), "colour": draws.pick(mark.mark_colours(view)),
            "background": draws.pick(grounds_)}


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    level = view.level
    out = grounds.varied(view.catalogue, attributes["background"], draws.child("ground"), level)
    body, x, y, size = OBJECTS[attributes["carrier"]]
    side = 60 if level == 0 else draws.between(60 - 8 * level, 62)
    reach = 2 + 3 * level
    left, top = (64 - side) // 2 + draws.between(-reach, reach), (64 - side) // 2 + draws.between(-reach, reach)
    sprites.lay(out, np.asarray(svg.rgba(svg.wrap(body), side)), left, top)
    scale = side / 64
    mark.lay(view, out, attributes, round(size * scale), left + x * scale, top + y * scale)
    return out


