import yaml

from world import icons, legible, sources
from world.catalogue import FOLDER


def test_every_subject_has_its_icon_in_every_style(catalogue):
    for style in catalogue.styles.values():
        found = icons._set(style["icons"])
        for subject in catalogue.subjects.values():
            name = subject.icon(style["icons"])
            assert name in found["icons"] or name in found["aliases"], (name, style["icons"])


def test_the_first_version_has_sixty_subjects_in_three_styles(catalogue):
    assert len(catalogue.subjects_of(1)) == 60
    assert len(catalogue.subjects_of(2)) >= 200
    assert len(catalogue.styles_of(1)) == 3
    assert len(catalogue.backgrounds_of(1)) == 10


def test_every_scene_has_its_drawing(catalogue):
    for name, ground in catalogue.backgrounds.items():
        assert ("colour" in ground) != (FOLDER / "scenes" / f"{name}.svg").exists(), name


def test_every_subject_is_legible_on_most_grounds(catalogue):
    for subject in catalogue.subjects_of(1):
        for style in catalogue.styles_of(1):
            seen = sum(legible.is_legible(catalogue, subject, style, ground)
                       for ground in catalogue.backgrounds_of(1))
            assert seen >= 5, (subject, style, seen)


def test_black_on_black_is_not_legible(catalogue):
    assert legible.visible_edge(catalogue, "chicken", "flat", "night") > 0.9
    catalogue.backgrounds["soot"] = {"tier": 9, "colour": "#1c1c20"}
    catalogue.styles["bare ink"] = {"icons": "fluent-emoji-high-contrast", "finish": "plain", "tier": 9}
    try:
        assert legible.visible_edge(catalogue, "guitar", "bare ink", "soot") < 0.1
    finally:
        del catalogue.backgrounds["soot"], catalogue.styles["bare ink"]


def test_no_source_is_share_alike():
    listed = sources.listed()
    for entry in [*listed["icons"].values(), *listed["fonts"].values()]:
        assert entry["licence"] in {"MIT", "Apache-2.0", "CC-BY-4.0", "OFL-1.1"}
        assert len(entry["sha256"]) == 64


def test_a_key_twice_is_an_error(tmp_path, monkeypatch):
    import pytest

    from world import catalogue as module
    (tmp_path / "x.yaml").write_text("a: 1\nb: 2\na: 3\n")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    with pytest.raises(module.CatalogueError, match="'a' stands there twice"):
        module._read("x.yaml")
    (tmp_path / "y.yaml").write_text("[YES, no, true]\n")
    assert module._read("y.yaml") == ["YES", "no", True]
    assert yaml.safe_load("[YES]") == [True]  # why there is a loader of our own
