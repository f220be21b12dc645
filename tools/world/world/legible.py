"""Which drawings stand out from which backgrounds: how much of their edge differs from the ground."""

import functools

import numpy as np

from world import grounds, sprites
from world.catalogue import Catalogue
from world.colours import lab

SIZE = 48
LEAST = 0.6  # of the edge must be seen
DIFFERENCE = 26.0  # in the colour space below; 2 is just noticeable on large fields


def visible_edge(catalogue: Catalogue, subject: str, style: str, background: str) -> float:
    """Share of the subject's rim (3 px) where some pixel near differs from the ground."""
    entry = catalogue.styles[style]
    icon = (entry["icons"], catalogue.subjects[subject].icon(entry["icons"]), entry["finish"])
    ground = grounds.steady(catalogue, background)
    drawn = ground.copy()
    sprites.place(drawn, icon, SIZE, 32, 32)
    mask = np.zeros_like(drawn)
    sprites.place(mask, icon, SIZE, 32, 32)
    light = np.full_like(drawn, 255)
    sprites.place(light, icon, SIZE, 32, 32)
    alpha = 255 - (light.astype(int) - mask)[:, :, 0]
    inside = np.pad(alpha > 128, 3)
    rim = inside.copy()
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        rim &= np.roll(inside, (dy, dx), (0, 1))
    rim = inside & ~rim
    differs = np.pad(np.linalg.norm(lab(drawn) - lab(ground), axis=-1) > DIFFERENCE, 3)
    near = np.zeros_like(differs)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            near |= np.roll(differs, (dy, dx), (0, 1))
    return float(near[rim].mean()) if rim.any() else 0.0


@functools.cache
def _decide(catalogue: Catalogue, subject: str, style: str, background: str) -> bool:
    return visible_edge(catalogue, subject, style, background) >= LEAST


def is_legible(catalogue: Catalogue, subject: str, style: str, background: str) -> bool:
    return _decide(catalogue, subject, style, background)
