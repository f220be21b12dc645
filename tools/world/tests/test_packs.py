import hashlib
import json

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

from world import canvases, legible, packs, sets
from world.draws import Draws
from world.view import View


def _hashes(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_same_seed_gives_the_same_bytes(catalogue, tmp_path, level):
    for name in ("a", "b"):
        packs.write_samples(View(catalogue, 2, level, overlays=0.2), 60, "5", tmp_path / name)
        packs.write_canvases(View(catalogue, 1, level), 20, "5", tmp_path / name, {(2, 2): 1})
    assert _hashes(tmp_path / "a") == _hashes(tmp_path / "b")
    packs.write_samples(View(catalogue, 2, level, overlays=0.2), 60, "6", tmp_path / "b")
    assert _hashes(tmp_path / "a") != _hashes(tmp_path / "b")


def test_a_shard_holds_pictures_labels_and_captions(catalogue, tmp_path):
    view = View(catalogue)
    packs.write_samples(view, 30, "1", tmp_path)
    classes = json.loads((tmp_path / "classes.json").read_text())
    lines = (tmp_path / "samples-00000.jsonl").read_text().splitlines()
    with safe_open(tmp_path / "samples-00000.safetensors", "numpy") as file:
        images, labels = file.get_tensor("images"), file.get_tensor("labels")
    assert images.shape == (30, 64, 64, 3) and images.dtype == np.uint8
    assert labels.shape == (30, len(classes["columns"])) and labels.dtype == np.int16
    assert len(lines) == 30
    for index in (0, 17):
        attributes, picture = packs.sample(view, "1", index)
        assert np.array_equal(images[index], picture)
        for column, name in enumerate(classes["columns"]):
            value = labels[index, column]
            assert attributes.get(name) == (classes["classes"][name][value] if value >= 0 else None)
        told = json.loads(lines[index])["captions"]
        assert len(told) == 6
        assert all(said >> column & 1 == 0 or labels[index, column] >= 0
                   for _, said in told for column in range(len(classes["columns"])))


def test_what_is_kept_out_is_drawn_for_measuring_only(catalogue):
    assert len(catalogue.kept_out) >= 100
    train, measure = View(catalogue), View(catalogue, kept_out="only")
    for index in range(400):
        assert not catalogue.is_kept_out(train.choose(Draws("train", index)))
    for index in range(100):
        attributes = measure.choose(Draws("measure", index))
        assert catalogue.is_kept_out(attributes)
        assert legible.is_legible(catalogue, attributes["subject"], attributes["style"],
                                  attributes["background"])


def test_steady_drawings_keep_their_size_and_place(view):
    """Level 0: 44 to 52 px, moved by up to 4 px: the subject covers the middle, never the corners."""
    for index in range(60):
        draws = Draws("steady", index)
        attributes = view.choose(draws)
        attributes["background"] = "white"
        drawn = view.draw(attributes, draws).astype(int)
        changed = np.argwhere(np.abs(drawn - 251).sum(2) > 30)
        if len(changed) == 0:
            continue
        low, high = changed.min(0), changed.max(0) + 1
        assert (high - low).max() <= 60 and (high - low).max() >= 40  # halo and shadow included
        assert np.all(np.abs((low + high) / 2 - 32) <= 4 + 4)


def test_sets_are_folders_with_pictures_and_a_caption(catalogue, tmp_path):
    sets.write_sets(View(catalogue), 3, (3, 1), "1", tmp_path)
    caption = json.loads((tmp_path / "sets" / "00002" / "caption.json").read_text())
    assert set(caption) == {"grid", "overall", "panels"} and len(caption["panels"]) == 3
    assert caption["grid"] == "3x1"
    made = canvases.canvas(View(catalogue), (3, 1), Draws("1", "canvas", "3x1", 1), captions=1)
    for number, picture in enumerate(made.pictures, 1):
        with Image.open(tmp_path / "sets" / "00002" / f"{number}.png") as file:
            assert np.array_equal(np.asarray(file), picture)
    assert np.array_equal(canvases.glue(made.pictures, 3, 1)[64:128], made.pictures[1])


def test_overlays_change_the_picture_everywhere(catalogue):
    from world import overlays
    ground = np.full((64, 64, 3), 180, np.uint8)
    for name in overlays.NAMES:
        changed = np.abs(overlays.add(ground, name, Draws(name)).astype(int) - 180).sum(2) > 8
        for y in (0, 32):
            for x in (0, 32):
                assert changed[y:y + 32, x:x + 32].mean() > 0.1, name
    assert overlays.add(ground, "none", Draws("x")) is ground
