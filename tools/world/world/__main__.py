"""draw COMMAND: see --help."""

import argparse
import pathlib
import sys

from world import contact_sheet, held_out, packs, sets, sources, tasks, vocabulary, words
from world.catalogue import Catalogue, CatalogueError
from world.kinds import KINDS
from world.kept_out import choose_kept_out
from world.view import View


def _grid(text: str) -> tuple[int, int]:
    rows, cross, columns = text.partition("x")
    if not cross or not rows.isdigit() or not columns.isdigit() or not 1 <= int(rows) * int(columns) <= 9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a grid of 1 to 9 panels such as 3x1")
    return int(rows), int(columns)


def _kinds(text: str) -> dict[str, float]:
    out = {}
    for part in text.split(","):
        name, _, weight = part.partition(":")
        if name not in KINDS:
            raise argparse.ArgumentTypeError(f"'{name}' is no kind; there are {', '.join(KINDS)}")
        out[name] = float(weight or 1)
    return out


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="draw", description="Draws the world of flux-mini.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.add_argument("--out", type=pathlib.Path, required=True)
        made.add_argument("--seed", default="1")
        made.add_argument("--tier", type=int, default=1, help="1: the first subjects; 2: all")
        made.add_argument("--level", type=int, default=0, choices=[0, 1, 2],
                          help="of variation: 0 steady, 1 some, 2 much")
        made.add_argument("--overlays", type=float, default=0.0, help="share of pictures with one")
        made.add_argument("--kinds", type=_kinds, default={"picture": 1.0},
                          help="such as picture:8,word:1")
        made.add_argument("--kept-out", choices=["without", "pairs", "only", "all"], default="without",
                          help="combinations kept out for measuring; captions: only them, else without; pairs: "
                          "without their pairs of subject and ground in any style")
        return made

    made = command("samples", "single drawings, as packs")
    made.add_argument("--count", type=int, required=True)
    made = command("canvases", "canvases of 2 to 9 panels, as packs")
    made.add_argument("--count", type=int, required=True)
    made.add_argument("--grid", type=_grid, help="only this one")
    made = command("sets", "canvases as ordinary data sets")
    made.add_argument("--count", type=int, required=True)
    made.add_argument("--grid", type=_grid, required=True)
    made = command("task", "training and held-out sets of one of the ten tasks")
    made.add_argument("name")
    made.add_argument("--train", type=int, default=40)
    made.add_argument("--held-out", type=int, default=20)
    made = command("captions", "captions for measuring, with what each panel must show, as JSON lines")
    made.add_argument("--count", type=int, required=True, help="of each grid")
    made.add_argument("--grid", type=_grid, action="append", required=True, help="repeatable; 1x1: single")
    made.set_defaults(kept_out="only")
    made = command("contact-sheet", "one picture of many drawings")
    made.add_argument("--count", type=int, default=0, help="at random; 0: every subject in every style")
    made.add_argument("--columns", type=int, default=18)
    made.add_argument("--colours", type=int, default=0)
    command("vocabulary", "tokenizer/ and tokenizer_2/ with all words of the captions")
    command("words", "what captions call each class: words.json, beside the classifier")
    command("kept-out", "kept_out.yaml, extended to all that the tier has")
    return parser


def _run(options) -> None:
    view = View(Catalogue(), options.tier, options.level, options.kinds, options.overlays, options.kept_out)
    match options.command:
        case "samples":
            packs.write_samples(view, options.count, options.seed, options.out)
        case "canvases":
            packs.write_canvases(view, options.count, options.seed, options.out,
                                 {options.grid: 1} if options.grid else None)
        case "sets":
            sets.write_sets(view, options.count, options.grid, options.seed, options.out)
        case "task":
            tasks.write_task(view, options.name, options.train, options.held_out, options.seed, options.out)
        case "captions":
            held_out.write_captions(view, options.count, options.grid, options.seed, options.out)
        case "contact-sheet":
            drawn = contact_sheet.at_random(view, options.seed, options.count) if options.count \
                else contact_sheet.every_subject(view, options.seed)
            contact_sheet.write(drawn, options.columns, options.out, options.colours)
        case "vocabulary":
            vocabulary.write(view.catalogue, options.out)
        case "words":
            words.write(view.catalogue, options.out)
        case "kept-out":
            choose_kept_out(view, options.seed, options.out)


def main() -> None:
    try:
        _run(_parser().parse_args())
    except (sources.SourceError, CatalogueError) as error:
        sys.exit(f"draw: {error}")


if __name__ == "__main__":
    main()
