"""A subject in a style on a background, perhaps with something in the air."""

import numpy as np

from world import grounds, legible, overlays, sprites
from world.draws import Draws


def choose(view, draws: Draws) -> dict:
    while True:
        attributes = {"kind": "picture", "subject": draws.pick(view.subjects),
                      "style": draws.pick(view.styles), "background": draws.pick(view.backgrounds),
                      "overlay": "none"}
        if draws.chance(view.overlays):
            attributes["overlay"] = draws.pick(overlays.NAMES)
        if fits(view, attributes):
            return attributes


def fits(view, attributes: dict) -> bool:
    """Legible, and kept out or not as the view asks."""
    if view.kept_out == "pairs" and (attributes["subject"], attributes["background"]) in view.kept_out_pairs:
        return False
    wanted = view.kept_out == "all" or view.catalogue.is_kept_out(attributes) == (view.kept_out == "only")
    return wanted and legible.is_legible(
        view.catalogue, attributes["subject"], attributes["style"], attributes["background"])


def draw(view, attributes: dict, draws: Draws) -> np.ndarray:
    """Level 0: 44 to 52 px, moved by up to 4 px. Higher levels: smaller, turned, farther off."""
    catalogue, level = view.catalogue, view.level
    out = grounds.varied(catalogue, attributes["background"], draws.child("ground"), level)
    style = catalogue.styles[attributes["style"]]
    icon = (style["icons"], catalogue.subjects[attributes["subject"]].icon(style["icons"]), style["finish"])
    if level == 0:
        sprites.place(out, icon, 44 + 2 * draws.below(5), 32 + draws.between(-4, 4),
                      32 + draws.between(-4, 4))
    else:
        size = draws.uniform(36, 54) if level == 1 else draws.uniform(28, 58)
        reach = min(10.0 * level, (60 - size) / 2 + 3)
        angle = draws.uniform(-12, 12) if level == 1 else draws.uniform(-30, 30)
        sprites.place(out, icon, size, 32 + draws.uniform(-reach, reach),
                      32 + draws.uniform(-reach, reach), angle)
    return overlays.add(out, attributes.get("overlay", "none"), draws.child("overlay"))
