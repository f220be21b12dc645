"""Captions: wordings filled with what the catalogue calls things; each knows what it tells."""

import dataclasses
import re

from world.catalogue import Catalogue
from world.draws import Draws

_FIELD = re.compile(r"\{(\w+)\.(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")
_CONSONANT = re.compile(r"\b([Aa])n (?=(?:uni|one|eu|ufo|u-))")
_TOKENS = re.compile(r"\[[A-Z]+(?:-[A-Z]+)?-?\d*\]|<\w+>|[\w'-]+|[^\w\s]")


@dataclasses.dataclass(frozen=True)
class Caption:
    text: str
    says: frozenset[str]  # attributes that the text tells; all others are left open

    def mask(self, catalogue: Catalogue) -> int:
        """Bit i: column i of the labels is told."""
        return sum(1 << i for i, column in enumerate(catalogue.columns) if column in self.says)


def length(text: str) -> int:
    """Tokens of T5 with the world's vocabulary, the end included."""
    return len(_TOKENS.findall(text)) + 1


def with_articles(text: str) -> str:
    """'a owl' to 'an owl'."""
    return _CONSONANT.sub(r"\1 ", _ARTICLE.sub(r"\1n ", text))


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    return text[:1].upper() + text[1:] + "."


class Captions:
    def __init__(self, catalogue: Catalogue):
        self._catalogue = catalogue

    def phrases(self, attribute: str, value: str, form: str) -> list[str]:
        """All that may stand for `{attribute.form}`."""
        catalogue = self._catalogue
        if attribute == "subject":
            subject = catalogue.subjects[value]
            plain = form == "name" or subject.plural
            return [name if plain else f"a {name}" for name in subject.names]
        if attribute == "style":
            return catalogue.styles[value][form]
        if attribute == "background":
            ground = catalogue.backgrounds[value]
            if "colour" not in ground:
                return ground[form]
            return [value] if form == "short" else [f"on a {value} background", f"on {value}"]
        if attribute == "name":
            return [f"<{value}>"]
        if attribute == "word":
            return [f'"{value}"'] if form == "quoted" else [value]
        entry = catalogue.attributes[attribute][value]
        return entry[{"name": "names", "phrase": "phrases", "adjective": "adjective"}[form]]

    def fill(self, wording: str, attributes: dict, draws: Draws) -> Caption:
        says = set()

        def phrase(match: re.Match) -> str:
            attribute, form = match.groups()
            if attribute == "name":
                value = attributes.get("name") or draws.pick(self._catalogue.attributes["name"])
            else:
                value = attributes[attribute]
                says.add(attribute)
            return draws.pick(self.phrases(attribute, value, form))

        text = with_articles(_FIELD.sub(phrase, wording))
        return Caption(text, frozenset(says | {"kind"}))

    def one(self, attributes: dict, draws: Draws, form: str) -> Caption:
        """A caption of a drawing; `form`: full, short or partial."""
        wordings = self._catalogue.wordings
        caption = self.fill(draws.pick(wordings[attributes["kind"]][form]), attributes, draws)
        if attributes.get("overlay", "none") != "none" and (form != "partial" or draws.chance(0.5)):
            more = self.fill(draws.pick(wordings["overlay"]["full"]), attributes, draws)
            caption = Caption(f"{caption.text} {more.text}", caption.says | more.says)
        return caption

    def several(self, attributes: dict, draws: Draws, full: int, partial: int) -> list[Caption]:
        """Different captions of one drawing, the short form among the full ones."""
        out: list[Caption] = []
        wanted = ["full" if i % 3 != 2 else "short" for i in range(full)] + ["partial"] * partial
        for form in wanted:
            for _ in range(8):
                caption = self.one(attributes, draws, form)
                if all(caption.text != other.text for other in out):
                    break
            if draws.chance(0.1):
                caption = Caption(sentence(caption.text), caption.says)
            out.append(caption)
        return out


MARKERS = {
    "sides": ["[LEFT]", "[RIGHT]"],
    "halves": ["[TOP]", "[BOTTOM]"],
    "corners": ["[TOP-LEFT]", "[TOP-RIGHT]", "[BOTTOM-LEFT]", "[BOTTOM-RIGHT]"],
    "scene": [f"[SCENE-{i}]" for i in range(1, 10)],
    "image": [f"[IMAGE{i}]" for i in range(1, 10)],
    "panel": [f"[PANEL-{i}]" for i in range(1, 10)],
}


def default_dialect(rows: int, columns: int) -> str:
    return {(1, 2): "sides", (2, 1): "halves", (2, 2): "corners"}.get((rows, columns), "scene")


def joint(overall: str, panels: list[str], dialect: str) -> str:
    """OVERALL MARKER1 PART1 MARKER2 PART2 ..., empty pieces left out."""
    pieces = [overall]
    for marker, panel in zip(MARKERS[dialect], panels, strict=False):
        pieces += [marker, panel]
    return " ".join(piece for piece in pieces if piece)
