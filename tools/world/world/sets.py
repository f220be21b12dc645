"""Sets on disk: OUT/ID/1.png ... and caption.json, with the labels of all panels in OUT/labels.jsonl."""

import io
import json
import pathlib

import numpy as np
from PIL import Image

from world import canvases
from world.draws import Draws
from world.packs import jsonl, publish, write_classes
from world.view import View


def png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG", optimize=True)
    return file.getvalue()


def write_set(out: pathlib.Path, name: str, overall: str, panels: list[str],
              pictures: list[np.ndarray], grid: str, task: str = "") -> None:
    for number, picture in enumerate(pictures, 1):
        publish(png(picture), out / name / f"{number}.png")
    caption = {"task": task} if task else {}
    caption |= {"grid": grid, "overall": overall, "panels": panels}
    publish(json.dumps(caption, ensure_ascii=False, indent=1).encode() + b"\n",
            out / name / "caption.json")


def write_sets(view: View, count: int, grid: tuple[int, int], seed: str, out: pathlib.Path) -> None:
    """Canvases as ordinary data sets."""
    lines = []
    name = canvases.grid_name(*grid)
    for index in range(count):
        made = canvases.canvas(view, grid, Draws(seed, "canvas", name, index), captions=1)
        caption = made.captions[0]
        write_set(out / "sets", f"{index + 1:05d}", caption.overall,
                  [panel.text for panel in caption.panels], made.pictures, name)
        lines.append({"id": f"{index + 1:05d}", "grid": name, "text": caption.text,
                      "panels": [{"labels": entry, "says": sorted(panel.says)}
                                 for entry, panel in zip(made.attributes, caption.panels)]})
    publish(jsonl(lines), out / "labels.jsonl")
    write_classes(view, out)
