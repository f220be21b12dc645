"""Chooses the combinations of subject, style and background that only measuring sees."""

import pathlib

from world import legible
from world.draws import Draws
from world.packs import publish
from world.view import View

HEAD = """# Combinations of subject, style and background that are drawn for measuring only, never for training.
# Written by `draw kept-out`; what stands here stays when the catalogue grows.
combinations:
"""
PER_PAIR = 2 / 3  # combinations a (subject, style) pair


def choose_kept_out(view: View, seed: str, path: pathlib.Path) -> None:
    """Keeps what is there and adds for pairs that have none yet."""
    catalogue = view.catalogue
    chosen = set(catalogue.kept_out)
    has = {(subject, style) for subject, style, _ in chosen}
    for subject in view.subjects:
        for style in view.styles:
            draws = Draws(seed, "kept-out", subject, style)
            if (subject, style) in has or not draws.chance(PER_PAIR):
                continue
            grounds = [ground for ground in view.backgrounds
                       if legible.is_legible(catalogue, subject, style, ground)]
            chosen.add((subject, style, draws.pick(grounds)))
    order = {name: i for names in (catalogue.subjects, catalogue.styles, catalogue.backgrounds)
             for i, name in enumerate(names)}
    lines = "".join(f"  - [{', '.join(entry)}]\n"
                    for entry in sorted(chosen, key=lambda e: [order[part] for part in e]))
    publish((HEAD + lines).encode(), path)
