import numpy as np
import pytest

from world import colours
from world.draws import Draws
from world.kinds import KINDS, furniture, portrait, slide, word
from world.kinds.carrier import OBJECTS
from world.view import View


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_a_panel(catalogue, kind):
    for level in (0, 1, 2):
        view = View(catalogue, 2, level, {kind: 1.0})
        for index in range(30):
            draws = Draws("kind", kind, index)
            attributes = view.choose(draws.child("what"))
            picture = view.draw(attributes, draws.child("how"))
            assert picture.shape == (64, 64, 3) and picture.dtype == np.uint8
            assert attributes["kind"] == kind
            assert np.array_equal(picture, view.draw(attributes, draws.child("how")))
            labels = dict(zip(catalogue.columns, catalogue.labels(attributes)))
            assert all((labels[name] >= 0) == (name in attributes) for name in labels)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "picture"])
def test_every_attribute_is_seen(catalogue, kind):
    """Another value changes the picture by more than noise, all else equal."""
    view = View(catalogue, 2, 0, {kind: 1.0})
    for index in range(6):
        draws = Draws("seen", kind, index)
        attributes = view.choose(draws)
        picture = view.draw(attributes, Draws("how")).astype(int)
        for name in attributes:
            if name == "kind":
                continue
            for value in catalogue.classes[name]:
                if value != attributes[name] and (name != "background" or value in
                                                  catalogue.colour_grounds(2)):
                    other = view.draw(attributes | {name: value}, Draws("how")).astype(int)
                    assert (np.abs(picture - other).sum(2) > 24).sum() > 20, (attributes, name, value)


def test_every_value_has_its_drawing(catalogue):
    values = catalogue.attributes
    assert list(values["carrier"]) == list(OBJECTS)
    assert list(values["hair"]) == list(portrait.HAIR)
    assert list(values["mood"]) == list(portrait.MOODS)
    assert list(values["layout"]) == list(slide.LAYOUTS)
    assert list(values["furniture"]) == list(furniture.PIECES)


def test_letters_stay_inside_and_fill_the_panel(catalogue):
    for font in catalogue.attributes["font"]:
        for text in catalogue.attributes["word"]:
            mask = word.letters(font, text, 54)
            assert mask.shape[1] <= 55 and mask.shape[0] <= word.HIGH + 1  # strokes round up
            assert mask.shape[1] >= 52 or mask.shape[0] >= word.HIGH - 2
            assert (mask > 128).mean() > 0.15, (font, text)


def test_colour_difference_is_that_of_the_standard():
    """Lightness of white and black, and red's published L*a*b* (53.24, 80.09, 67.20)."""
    assert abs(colours.lighter_by("#ffffff", "#000000") - 100) < 0.01
    assert np.allclose(colours.lab(np.array([255.0, 0.0, 0.0])), [53.24, 80.09, 67.20], atol=0.05)
