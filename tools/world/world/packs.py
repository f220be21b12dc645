"""Packs: drawings in safetensors shards that a trainer can map into memory.

samples-00000.safetensors    images uint8 [N, 64, 64, 3], labels int16 [N, C]
samples-00000.jsonl          line i: {"captions": [[TEXT, SAYS], ...]}
canvases-2x2-00000.safetensors  images uint8 [N, P, 64, 64, 3] (reading order), labels int16 [N, P, C]
canvases-2x2-00000.jsonl     line i: {"captions": [{"text", "overall", "panels": [TEXT...], "says": [SAYS...]}]}
classes.json                 {"columns": [C names], "classes": {column: [names]}}

A label is an index into its column's classes, -1 where the drawing has no such attribute. SAYS is a
bit mask over the columns: bit i is set where the text tells column i; the others are left open.
"""

import json
import pathlib
import struct

import numpy as np
from world import canvases
from world.draws import Draws
from world.view import View

SHARD = 5000  # panels


def publish(data: bytes, path: pathlib.Path) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(data)
    part.replace(path)


def safetensors(images: np.ndarray, labels: np.ndarray, metadata: dict) -> bytes:
    """The two tensors in one file. Written here, since the library orders metadata by chance."""
    images, labels = np.ascontiguousarray(images, np.uint8), np.ascontiguousarray(labels, "<i2")
    end = images.nbytes + labels.nbytes
    header = {"__metadata__": {key: str(value) for key, value in metadata.items()},
              "images": {"dtype": "U8", "shape": images.shape, "data_offsets": [0, images.nbytes]},
              "labels": {"dtype": "I16", "shape": labels.shape, "data_offsets": [images.nbytes, end]}}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + images.tobytes() + labels.tobytes()


def jsonl(lines: list[dict]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def write_classes(view: View, out: pathlib.Path) -> None:
    catalogue = view.catalogue
    publish(json.dumps({"columns": catalogue.columns, "classes": catalogue.classes},
                       ensure_ascii=False, indent=1).encode() + b"\n", out / "classes.json")


def _write(out: pathlib.Path, name: str, images, labels, lines: list[dict], metadata: dict) -> None:
    publish(safetensors(np.stack(images), np.array(labels), metadata), out / f"{name}.safetensors")
    publish(jsonl(lines), out / f"{name}.jsonl")


def sample(view: View, seed: str, index: int) -> tuple[dict, np.ndarray]:
    """Drawing `index` of a pack: attributes and uint8 [64, 64, 3]."""
    draws = Draws(seed, "sample", index)
    attributes = view.choose(draws.child("what"))
    return attributes, view.draw(attributes, draws.child("how"))


def write_samples(view: View, count: int, seed: str, out: pathlib.Path, full: int = 5,
                  partial: int = 1) -> None:
    write_classes(view, out)
    for shard, start in enumerate(range(0, count, SHARD)):
        images, labels, lines = [], [], []
        for index in range(start, min(count, start + SHARD)):
            attributes, picture = sample(view, seed, index)
            texts = view.captions.several(attributes, Draws(seed, "captions", index), full, partial)
            images.append(picture)
            labels.append(view.catalogue.labels(attributes))
            lines.append({"captions": [[text.text, text.mask(view.catalogue)] for text in texts]})
        _write(out, f"samples-{shard:05d}", images, labels, lines,
               {"seed": seed, "first": start, "level": view.level, "tier": view.tier})


def joint_lines(view: View, made: canvases.Canvas) -> dict:
    return {"captions": [{"text": caption.text, "overall": caption.overall,
                          "panels": [panel.text for panel in caption.panels],
                          "says": [panel.mask(view.catalogue) for panel in caption.panels]}
                         for caption in made.captions]}


def write_canvases(view: View, count: int, seed: str, out: pathlib.Path,
                   grids: dict | None = None) -> None:
    """`count` canvases, shared among the grids by their weights; a shard has one grid."""
    write_classes(view, out)
    grids = grids or canvases.GRIDS
    total = sum(grids.values())
    for (rows, columns), weight in grids.items():
        many, per = round(count * weight / total), max(1, SHARD // (rows * columns))
        grid = canvases.grid_name(rows, columns)
        for shard, start in enumerate(range(0, many, per)):
            images, labels, lines = [], [], []
            for index in range(start, min(many, start + per)):
                made = canvases.canvas(view, (rows, columns), Draws(seed, "canvas", grid, index))
                images.append(np.stack(made.pictures))
                labels.append([view.catalogue.labels(entry) for entry in made.attributes])
                lines.append(joint_lines(view, made))
            _write(out, f"canvases-{grid}-{shard:05d}", images, labels, lines,
                   {"seed": seed, "first": start, "level": view.level, "tier": view.tier, "grid": grid})
