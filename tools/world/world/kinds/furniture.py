"""A piece of furniture in a room, both in the colours of one palette."""

import functools

import numpy as np

from world import sprites, svg
from world.draws import Draws
from world.svg import darker, lighter

# {m} main, {s} second, {a} accent, {d} darker main, {w} the wall.
PIECES = {
    "sofa": '<rect x="8" y="26" width="48" height="20" rx="6" fill="{m}"/><rect x="4" y="33" width="11" height="20" rx="5" fill="{d}"/><rect x="49" y="33" width="11" height="20" rx="5" fill="{d}"/><rect x="13" y="39" width="38" height="12" rx="3" fill="{m}"/><path d="M32 28v22" stroke="{d}" stroke-width="1.400"/><path d="M9 53h4v4H9zM51 53h4v4h-4z" fill="{a}"/><rect x="17" y="31" width="10" height="9" rx="2" fill="{s}" transform="rotate(-10 22 35)"/>',
    "armchair": '<rect x="18" y="18" width="28" height="30" rx="9" fill="{m}"/><rect x="11" y="33" width="11" height="21" rx="5" fill="{d}"/><rect x="42" y="33" width="11" height="21" rx="5" fill="{d}"/><rect x="19" y="40" width="26" height="13" rx="4" fill="{s}"/><path d="M14 54h4l-1 6h-2zM46 54h4l-1 6h-2z" fill="{a}"/>',
    "lamp": '<path d="M22 8h20l7 19H15z" fill="{m}"/><path d="M22 8h20l1 3H21z" fill="{d}"/><path d="M31 27h2v28h-2z" fill="{a}"/><ellipse cx="32" cy="57" rx="11" ry="3" fill="{a}"/><path d="M15 27h34l6 14H9z" fill="{s}" opacity=".35"/>',
    "bed": '<rect x="8" y="18" width="48" height="24" rx="4" fill="{a}"/><rect x="6" y="34" width="52" height="20" rx="4" fill="{m}"/><rect x="12" y="29" width="17" height="9" rx="4" fill="#fff"/><rect x="35" y="29" width="17" height="9" rx="4" fill="#fff"/><path d="M6 42q26-5 52 0v10q0 2-4 2H10q-4 0-4-2z" fill="{s}"/><path d="M8 54h4v5H8zM52 54h4v5h-4z" fill="{a}"/>',
    "table": '<ellipse cx="32" cy="34" rx="27" ry="6" fill="{m}"/><path d="M5 34v3q0 6 27 6t27-6v-3q0 6-27 6T5 34z" fill="{d}"/><path d="M13 40h4l-2 19h-3zM47 40h4l1 19h-3zM30 42h4v16h-4z" fill="{a}"/><path d="M27 33q-3-4-1-9h12q2 5-1 9-5 1-10 0z" fill="{s}"/><path d="M26 24h12v1.500H26z" fill="{a}"/>',
    "shelf": '<rect x="12" y="8" width="40" height="50" rx="1.500" fill="{a}"/><path d="M15 11h34v12H15zM15 26h34v12H15zM15 41h34v14H15z" fill="{w}"/><path d="M17 13h4v10h-4zM27 14h4v9h-4zM36 30h4v8h-4zM44 28h4v10h-4zM17 44h5v11h-5z" fill="{m}"/><path d="M22 12h4v11h-4zM32 13h3v10h-3zM40 31h4v7h-4zM23 43h4v12h-4zM17 29h9v9h-9z" fill="{s}"/><circle cx="41" cy="49" r="5.500" fill="{m}"/>',
    "vase": '<path d="M32 32q-2-14-12-22M32 32q0-16 3-25M32 32q3-12 13-19" fill="none" stroke="{a}" stroke-width="1.600"/><g fill="{s}"><circle cx="20" cy="10" r="4"/><circle cx="35" cy="7" r="4.500"/><circle cx="45" cy="13" r="4"/><circle cx="26" cy="18" r="3"/><circle cx="40" cy="20" r="3"/></g><path d="M26 30h12v4q10 6 8 16-2 9-8 9H26q-6 0-8-9-2-10 8-16z" fill="{m}"/><path d="M18.500 44h27v4h-27z" fill="{d}"/>',
    "clock": '<circle cx="32" cy="27" r="21" fill="{m}"/><circle cx="32" cy="27" r="16.500" fill="#fff"/><path d="M32 27V14M32 27l9 5" stroke="{a}" stroke-width="2.600" stroke-linecap="round"/><g fill="{s}"><circle cx="32" cy="12.500" r="1.500"/><circle cx="32" cy="41.500" r="1.500"/><circle cx="17.500" cy="27" r="1.500"/><circle cx="46.500" cy="27" r="1.500"/></g><circle cx="32" cy="27" r="2" fill="{a}"/>',
    "curtain": '<rect x="17" y="11" width="30" height="34" fill="#fff"/><path d="M19 13h12v14H19zM33 13h12v14H33zM19 29h12v14H19zM33 29h12v14H33z" fill="#bfe3f7"/><path d="M6 7h52v3H6z" fill="{a}"/><path d="M8 10h14q0 22-6 42H8zM56 10H42q0 22 6 42h8z" fill="{m}"/><path d="M12 10h2q1 24-1 42h-2zM17 10h2q0 22-3 38zM52 10h-2q-1 24 1 42h2zM47 10h-2q0 22 3 38z" fill="{d}"/><path d="M8 34h11v3H8zM45 34h11v3H45z" fill="{s}"/>',
    "cushion": '<path d="M13 14q19 4 38 0 5 0 4 6-3 12 0 24 1 6-4 6-19-4-38 0-5 0-4-6 3-12 0-24-1-6 4-6z" fill="{m}"/><path d="M12 24q20 3 41 0v6q-20 3-41 0zM12 38q20 3 41 0v4q-20 3-41 0z" fill="{s}"/><path d="M13 14q19 4 38 0M13 50q19-4 38 0" fill="none" stroke="{d}" stroke-width="1.600"/><g fill="{a}"><circle cx="10.500" cy="15" r="3"/><circle cx="53.500" cy="15" r="3"/><circle cx="10.500" cy="49" r="3"/><circle cx="53.500" cy="49" r="3"/></g>',
}


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    return {"kind": "furniture", "furniture": draws.pick(list(values["furniture"])),
            "palette": draws.pick(list(values["palette"]))}


@functools.cache
def _room(wall: str, second: str) -> np.ndarray:
    body = (f'<path fill="{wall}" d="M0 0h64v64H0z"/><path fill="{lighter(second, 0.35)}" d="M0 50h64v14H0z"/>'
            f'<path fill="{second}" d="M0 49h64v1.500H0z"/>')
    return svg.picture(svg.wrap(body))


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    palette = view.catalogue.attributes["palette"][attributes["palette"]]
    wall, main, second = palette["wall"], palette["main"], palette["second"]
    piece = PIECES[attributes["furniture"]].format(m=main, s=second, a=palette["accent"], w=wall,
                                                   d=darker(main, 0.2))
    out = _room(wall, second).copy()
    sprites.lay(out, svg.moved(svg.stacked([svg.layer(svg.wrap(piece))]), draws, view.level), 0, 0)
    return out
