"""A slide: one colour scheme, one layout; bars stand for text."""

import numpy as np

from world import svg
from world.draws import Draws


def choose(view, draws: Draws) -> dict:
    values = view.catalogue.attributes
    return {"kind": "slide", "layout": draws.pick(list(values["layout"])),
            "scheme": draws.pick(list(values["scheme"]))}


def _bar(x: float, y: float, width: float, height: float, colour: str, radius: float = 0.8) -> str:
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" rx="{radius}" fill="{colour}"/>'


def _title(scheme, draws) -> str:
    width = draws.uniform(36, 46)
    return _bar(0, 44, 64, 20, scheme["accent"], 0) + _bar((64 - width) / 2, 17, width, 7, scheme["text"]) \
        + _bar(18, 29, 28, 3, scheme["accent"]) + _bar(24, 52, 16, 3, scheme["ground"])


def _head(scheme, draws) -> str:
    return _bar(0, 0, 64, 4, scheme["accent"], 0) + _bar(6, 9, draws.uniform(26, 42), 5, scheme["text"])


def _list(scheme, draws) -> str:
    out = _head(scheme, draws)
    for row in range(4):
        y = 23 + 10 * row
        out += f'<circle cx="9" cy="{y}" r="2.400" fill="{scheme["accent"]}"/>'
        out += _bar(15, y - 1.5, draws.uniform(24, 42), 3, scheme["text"])
    return out


def _columns(scheme, draws) -> str:
    out = _head(scheme, draws)
    for x in (6, 34):
        out += _bar(x, 20, 24, 6, scheme["accent"])
        for row in range(5):
            out += _bar(x, 30 + 6 * row, draws.uniform(15, 24), 2.6, scheme["text"])
    return out


def _chart(scheme, draws) -> str:
    out = _head(scheme, draws) + _bar(6, 57, 52, 1.6, scheme["text"], 0)
    for column in range(5):
        height = draws.uniform(10, 36)
        out += _bar(8 + 10.2 * column, 57 - height, 7.4, height, scheme["accent"], 0)
    return out


def _photo(scheme, draws) -> str:
    out = _head(scheme, draws) + _bar(6, 20, 30, 36, scheme["accent"])
    out += f'<circle cx="15" cy="29" r="3.500" fill="{scheme["ground"]}"/>'
    out += f'<path d="M8 54l9-13 6 7 5-6 7 12z" fill="{scheme["ground"]}"/>'
    for row in range(5):
        out += _bar(40, 23 + 7 * row, draws.uniform(11, 18), 2.8, scheme["text"])
    return out


def _table(scheme, draws) -> str:
    out = _head(scheme, draws) + _bar(6, 20, 52, 8, scheme["accent"], 0)
    for row in range(4):
        y = 28 + 8 * row
        out += _bar(6, y + 7.2, 52, 1, scheme["text"], 0)
        for column in range(3):
            out += _bar(9 + 17 * column, y + 2.4, draws.uniform(7, 12), 2.6, scheme["text"])
    for x in (23.5, 40.5):
        out += _bar(x, 20, 1, 40, scheme["text"], 0)
    return out


LAYOUTS = {"title": _title, "list": _list, "columns": _columns, "chart": _chart, "photo": _photo,
           "table": _table}


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    scheme = view.catalogue.attributes["scheme"][attributes["scheme"]]
    body = _bar(0, 0, 64, 64, scheme["ground"], 0) + LAYOUTS[attributes["layout"]](scheme, draws)
    return svg.picture(svg.wrap(body))
