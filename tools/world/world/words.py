"""What captions call each class of the classifier: OUT, a JSON file beside it, for scoring without labels.

{"version": 1, "words": {column: {class: [phrases]}}}. A phrase stands in captions as it is; where one
word alone is the name of several things, what stands beside it in captions is part of the phrase.
"""

import json
import pathlib

from world.captions import Captions
from world.catalogue import Catalogue
from world.packs import publish

FORMS = {"style": ["adjective", "tail"], "shading": ["adjective"], "overlay": ["phrase"], "hair": ["phrase"]}
BESIDE = {"hair_colour": "hair", "layout": "slide", "scheme": "colours", "palette": "colours",
          "font": "letters", "shading": "portrait"}
SILENT = {"kind", "skin"}


def phrases_of(catalogue: Catalogue, column: str, value: str) -> list[str]:
    if column in SILENT or (column, value) == ("overlay", "none"):
        return []
    captions = Captions(catalogue)
    if column == "background":
        if "colour" in catalogue.backgrounds[value]:
            return [f"{value} background", f"on {value}"]
        return [phrase for form in ("at", "short") for phrase in captions.phrases(column, value, form)]
    found = [phrase for form in FORMS.get(column, ["name"])
             for phrase in captions.phrases(column, value, form)]
    beside = BESIDE.get(column)
    return [f"{phrase} {beside}" for phrase in found] if beside else found


def write(catalogue: Catalogue, out: pathlib.Path) -> None:
    words = {column: {value: phrases_of(catalogue, column, value) for value in catalogue.classes[column]}
             for column in catalogue.columns}
    words = {column: classes for column, classes in words.items() if any(classes.values())}
    publish(json.dumps({"version": 1, "words": words}, ensure_ascii=False, indent=1).encode() + b"\n", out)
