import json

from world import held_out
from world.captions import length
from world.draws import Draws
from world.kinds import picture
from world.view import View


def test_every_panel_is_a_combination_that_training_never_sees(catalogue):
    view = View(catalogue, kept_out="only")
    for line in held_out.lines(view, 20, (1, 1), "s") + held_out.lines(view, 20, (2, 2), "s"):
        for panel in line["panels"]:
            assert (panel["subject"], panel["style"], panel["background"]) in catalogue.kept_out
            assert panel["overlay"] == "none"


def test_a_panel_states_only_what_its_caption_tells(catalogue):
    kinds = {"picture": 1.0, "word": 1.0, "portrait": 1.0, "carrier": 1.0}
    view = View(catalogue, tier=2, kinds=kinds, overlays=0.5)
    for line in held_out.lines(view, 60, (3, 1), "s"):
        rows, columns = map(int, line["grid"].split("x"))
        assert len(line["panels"]) == rows * columns and length(line["caption"]) <= 128
        for panel in line["panels"]:
            assert "name" not in panel and "skin" not in panel  # no caption tells them
            assert all(value in catalogue.classes[column] for column, value in panel.items())
            if "word" in panel:
                assert panel["word"] in line["caption"]


def test_the_same_seed_gives_the_same_bytes(catalogue, tmp_path):
    view = View(catalogue, kept_out="only")
    for name in ("a", "b"):
        held_out.write_captions(view, 5, [(1, 1), (1, 2)], "7", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    lines = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert [line["grid"] for line in lines] == ["1x1"] * 5 + ["1x2"] * 5
    assert len({line["id"] for line in lines}) == 10


def test_pairs_leaves_the_subject_s_ground_to_measuring(catalogue):
    view, without = View(catalogue, kept_out="pairs"), View(catalogue)
    subject, ground = sorted(view.kept_out_pairs)[0]
    for style in view.styles:
        assert not picture.fits(view, {"subject": subject, "style": style, "background": ground})
    assert any(picture.fits(without, {"subject": subject, "style": style, "background": ground})
               for style in view.styles)
    drawn = [view.choose(Draws("s", i)) for i in range(300)]
    assert not view.kept_out_pairs & {(one["subject"], one["background"]) for one in drawn}
    assert {one["style"] for one in drawn} == set(view.styles)
