import re

import pytest

from world import canvases, captions
from world.draws import Draws
from world.view import View


@pytest.mark.parametrize("plain, right", [
    ("a owl at night", "an owl at night"), ("a unicorn", "a unicorn"), ("a ufo", "a ufo"),
    ("a ink drawing of a apple", "an ink drawing of an apple"), ("A elephant.", "An elephant."),
    ("a glossy fox", "a glossy fox"), ("a banana on a orange background", "a banana on an orange background")])
def test_articles(plain, right):
    assert captions.with_articles(plain) == right


def test_captions_say_what_they_claim(catalogue):
    """The words of what a caption says stand in it, and of what it leaves open they do not."""
    view = View(catalogue, tier=2, overlays=0.3)
    for index in range(250):
        draws = Draws("says", index)
        attributes = view.choose(draws)
        for caption in view.captions.several(attributes, draws, 4, 2):
            text = caption.text.lower()
            for attribute, forms in (("subject", ["name"]), ("style", ["adjective", "tail"]),
                                     ("background", ["at", "short"]), ("overlay", ["phrase"])):
                if attribute == "overlay" and attributes["overlay"] == "none":
                    continue
                phrases = [phrase for form in forms
                           for phrase in view.captions.phrases(attribute, attributes[attribute], form)]
                there = any(re.search(rf"\b{re.escape(phrase.lower())}\b", text) for phrase in phrases)
                if attribute in caption.says:
                    assert there, (caption, attributes)
                elif attribute != "background" and attribute != "subject":
                    assert not there, (caption, attributes)


def test_several_wordings_differ(view):
    draws = Draws("wordings")
    attributes = view.choose(draws)
    texts = [caption.text for caption in view.captions.several(attributes, draws, 5, 1)]
    assert len(set(texts)) >= 5


def test_joint_captions_have_the_grid_s_markers():
    panels = ["one", "two", "", "four"]
    assert captions.joint("", panels[:2], "sides") == "[LEFT] one [RIGHT] two"
    assert captions.joint("all", panels, "corners") == \
        "all [TOP-LEFT] one [TOP-RIGHT] two [BOTTOM-LEFT] [BOTTOM-RIGHT] four"
    assert captions.default_dialect(2, 1) == "halves"
    assert captions.default_dialect(3, 1) == "scene"
    assert captions.joint("", ["a"] * 3, "image") == "[IMAGE1] a [IMAGE2] a [IMAGE3] a"


@pytest.mark.parametrize("grid", [(1, 2), (2, 2), (3, 3), (9, 1)])
def test_canvases_fit_the_text_encoder(catalogue, grid):
    view = View(catalogue, tier=2, overlays=1.0)
    for index in range(30):
        made = canvases.canvas(view, grid, Draws("fit", index))
        for caption in made.captions:
            assert captions.length(caption.text) <= 128
            assert len(caption.panels) == grid[0] * grid[1] == len(made.pictures)


def test_panels_of_a_canvas_share_no_more_than_one_thing_on_purpose(view):
    shared = 0
    for index in range(300):
        relation, chosen = canvases._choose(view, 2, Draws("relation", index))
        same = [key for key in ("subject", "style", "background") if chosen[0][key] == chosen[1][key]]
        if relation != "plain":
            assert same == [relation]
        shared += len(same) >= 2
    assert shared / 300 < 0.08  # by chance: a same style and a same ground, 1 in 30
