"""The catalogue: what there is to draw, what captions call it, and what is kept out for measuring."""

import dataclasses
import pathlib
import re

import yaml

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "catalogue"


class CatalogueError(Exception):
    """A catalogue file that contradicts itself; the message names the file and the entry."""


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    tier: int
    group: str
    names: tuple[str, ...]
    plural: bool
    icons: dict[str, str]

    def icon(self, icon_set: str) -> str:
        return self.icons.get(icon_set, self.name)


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which the same key twice is an error."""


def _mapping(loader, node, deep=False):
    seen = set()
    for key, _ in node.value:
        value = loader.construct_object(key, deep=True)
        if value in seen:
            raise CatalogueError(f"{key.start_mark.name}, line {key.start_mark.line + 1}: "
                                 f"the key '{value}' stands there twice.")
        seen.add(value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=deep)


# YES, no and on are words here, not truth values.
_UniqueKeys.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}
_UniqueKeys.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), "tf")
_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG,
                            lambda loader, node: _mapping(loader, node, True))


def _read(name: str):
    with (FOLDER / name).open() as file:
        return yaml.load(file, _UniqueKeys)  # noqa: S506 (a safe loader with unique keys)


def _subjects() -> dict[str, Subject]:
    found: dict[str, Subject] = {}
    called: dict[str, str] = {}
    for part in _read("subjects.yaml"):
        for group, entries in part.items():
            if group == "tier":
                continue
            for name, entry in entries.items():
                entry = {"names": entry} if isinstance(entry, list) else entry
                if name in found:
                    raise CatalogueError(f"subjects.yaml: '{name}' stands there twice.")
                for call in entry["names"]:
                    if call in called:
                        raise CatalogueError(f"subjects.yaml: '{name}' and '{called[call]}' are both "
                                             f"called '{call}'; a caption must tell them apart.")
                    called[call] = name
                found[name] = Subject(name, part["tier"], group, tuple(entry["names"]),
                                      entry.get("plural", False), entry.get("icons", {}))
    return found


class Catalogue:
    """All of it. `classes[attribute]` is the order of labels."""

    def __init__(self):
        self.subjects = _subjects()
        self.styles = _read("styles.yaml")
        self.backgrounds = _read("backgrounds.yaml")
        self.attributes = _read("attributes.yaml")
        self.wordings = _read("wordings.yaml")
        self.tasks = _read("tasks.yaml")
        self.kept_out = {tuple(entry) for entry in _read("kept_out.yaml")["combinations"]}
        self.classes = {"kind": ["picture", "word", "mark", "carrier", "portrait", "slide", "furniture"],
                        "subject": list(self.subjects), "style": list(self.styles),
                        "background": list(self.backgrounds)}
        for attribute, values in self.attributes.items():
            if attribute != "name":  # a name means nothing, there is nothing to label
                self.classes[attribute] = list(values)
        self._index = {attribute: {value: i for i, value in enumerate(values)}
                       for attribute, values in self.classes.items()}
        for subject, style, background in self.kept_out:
            if subject not in self.subjects or style not in self.styles or \
                    background not in self.backgrounds:
                raise CatalogueError(f"kept_out.yaml: [{subject}, {style}, {background}] names what "
                                     "the catalogue does not have.")

    @property
    def columns(self) -> list[str]:
        """The attributes in the order of label columns."""
        return list(self.classes)

    def labels(self, attributes: dict) -> list[int]:
        """One number a column; -1 where the drawing has no such attribute."""
        return [self._index[column].get(attributes.get(column), -1) for column in self.classes]

    def subjects_of(self, tier: int) -> list[str]:
        return [name for name, subject in self.subjects.items() if subject.tier <= tier]

    def styles_of(self, tier: int) -> list[str]:
        return [name for name, style in self.styles.items() if style["tier"] <= tier]

    def backgrounds_of(self, tier: int) -> list[str]:
        return [name for name, ground in self.backgrounds.items() if ground["tier"] <= tier]

    def colour_grounds(self, tier: int) -> list[str]:
        return [name for name in self.backgrounds_of(tier) if "colour" in self.backgrounds[name]]

    def is_kept_out(self, attributes: dict) -> bool:
        return (attributes.get("subject"), attributes.get("style"),
                attributes.get("background")) in self.kept_out
