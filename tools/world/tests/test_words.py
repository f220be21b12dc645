import re

from world import words
from world.draws import Draws
from world.tasks import Task
from world.view import View


def _holds(text, phrase):
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text, re.IGNORECASE) is not None


def test_captions_hold_a_phrase_of_what_they_tell(catalogue):
    view = View(catalogue, 2, 0, None, 0, None)
    told = 0
    for name in catalogue.tasks:
        task = Task(view, name)
        draws = Draws("words", name)
        for number in range(20):
            panels = task.choose(draws.child("what", number))
            if panels is None:
                continue
            panels = [panel | {"name": "Leo"} for panel in panels]
            for place, panel in enumerate(panels):
                wording = draws.pick(task.entry["rest" if place else "first"])
                caption = view.captions.fill(wording, panel, draws)
                for column in caption.says - {"kind", "name"}:
                    phrases = words.phrases_of(catalogue, column, panel[column])
                    if not phrases:
                        assert column == "overlay" and panel[column] == "none"
                        continue
                    told += 1
                    assert any(_holds(caption.text, phrase) for phrase in phrases), (caption.text, column)
    assert told > 500


def test_every_class_has_a_phrase_but_what_captions_never_name(catalogue):
    for column in catalogue.columns:
        for value in catalogue.classes[column]:
            silent = column in words.SILENT or (column, value) == ("overlay", "none")
            assert bool(words.phrases_of(catalogue, column, value)) != silent, (column, value)
