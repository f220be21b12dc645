"""Which part of the world is drawn, and how varied."""

import dataclasses

import numpy as np

from world.captions import Captions
from world.catalogue import Catalogue
from world.draws import Draws
from world.kinds import KINDS


@dataclasses.dataclass
class View:
    catalogue: Catalogue
    tier: int = 1  # of subjects, styles and backgrounds
    level: int = 0  # of variation in place, size, angle, colour: 0, 1, 2
    kinds: dict[str, float] = dataclasses.field(default_factory=lambda: {"picture": 1.0})
    overlays: float = 0.0  # share of pictures with something in the air
    # The combinations kept out for measuring: "without" them; "pairs": without any picture of a subject on
    # a ground that make one; "only" them; "all": they are drawn as any other.
    kept_out: str = "without"

    def __post_init__(self):
        self.subjects = self.catalogue.subjects_of(self.tier)
        self.styles = self.catalogue.styles_of(self.tier)
        self.backgrounds = self.catalogue.backgrounds_of(self.tier)
        self.captions = Captions(self.catalogue)
        self.kept_out_pairs = {(subject, background) for subject, style, background in self.catalogue.kept_out
                               if style in self.styles}

    def choose(self, draws: Draws) -> dict:
        """What to draw."""
        return self.choose_kind(draws.weighted(self.kinds), draws)

    def choose_kind(self, kind: str, draws: Draws) -> dict:
        """A drawing of one kind."""
        return KINDS[kind].choose(self, draws)

    def draw(self, attributes: dict, draws: Draws) -> np.ndarray:
        """uint8 [64, 64, 3]."""
        return KINDS[attributes["kind"]].draw(self, attributes, draws)
