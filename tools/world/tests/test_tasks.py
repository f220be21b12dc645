import json

import pytest

from world import tasks
from world.catalogue import Catalogue, CatalogueError
from world.view import View

NAMES = list(Catalogue().tasks)


def test_there_are_the_ten(catalogue):
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_sets_share_what_they_should_and_leave_it_open(catalogue, name):
    task = tasks.Task(View(catalogue), name)
    made = task.many("1", 40, 20)
    assert [len(made["train"]), len(made["held-out"])] == [40, 20]
    for one in made["train"] + made["held-out"]:
        assert len(one.pictures) == len(one.panels) == task.count
        for attribute in task.shared:
            assert len({panel[attribute] for panel in one.attributes}) == 1
            if attribute != "background":
                assert all(attribute not in panel.says for panel in one.panels[1:])
        differ = [attribute for attribute in task.entry["varies"]
                  if len({panel.get(attribute) for panel in one.attributes}) > 1]
        assert differ, one.attributes
        for first, second in zip(one.pictures, one.pictures[1:]):
            assert (abs(first.astype(int) - second).sum(2) > 24).sum() > 100  # no copies


@pytest.mark.parametrize("name", NAMES)
def test_held_out_sets_are_not_in_the_training(catalogue, name):
    made = tasks.Task(View(catalogue), name).many("1", 40, 20)
    train = {one.text for one in made["train"]}
    assert all(one.text not in train for one in made["held-out"])
    pixels = {b"".join(picture.tobytes() for picture in one.pictures) for one in made["train"]}
    assert all(b"".join(picture.tobytes() for picture in one.pictures) not in pixels
               for one in made["held-out"])


def test_unseen_combinations_are_held_out_where_there_are_enough(catalogue):
    for name in ("film-storyboard", "sandstorm-effect", "portrait-photography", "visual-identity"):
        task = tasks.Task(View(catalogue), name)
        made = task.many("1", 40, 20)
        shared = [{tuple(one.attributes[0][key] for key in task.shared) for one in part}
                  for part in made.values()]
        assert not shared[0] & shared[1]


def test_more_sets_than_there_are_without_regard_to_order(catalogue):
    task = tasks.Task(View(catalogue), "film-storyboard")
    made = task.many("1", 300, 0)["train"]
    panels = [[(panel["subject"], panel["style"], panel["background"]) for panel in one.attributes] for one in made]
    assert len({tuple(one) for one in panels}) == 300 > len({tuple(sorted(one)) for one in panels})
    with pytest.raises(CatalogueError, match="has no 2000 different sets"):
        task.many("1", 2000, 0)


def test_a_task_s_folder(catalogue, tmp_path):
    tasks.write_task(View(catalogue), "sandstorm-effect", 3, 2, "1", tmp_path)
    assert json.loads((tmp_path / "task.json").read_text())["grid"] == "2x1"
    lines = [json.loads(line) for line in (tmp_path / "held-out" / "labels.jsonl").read_text().splitlines()]
    assert len(lines) == 2 and len(list((tmp_path / "train" / "sets").iterdir())) == 3
    caption = json.loads((tmp_path / "held-out" / "sets" / "001" / "caption.json").read_text())
    assert [panel["text"] for panel in lines[0]["panels"]] == caption["panels"]
    assert lines[0]["panels"][1]["labels"]["overlay"] == "sand"
    assert set(lines[0]["shared"]) == {"subject", "style", "background"}
    with pytest.raises(CatalogueError, match="there is no task"):
        tasks.Task(View(catalogue), "nothing")
