"""Predictions of recipes as a table that people read, and as CSV."""

import csv
import io
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

from app.cli.recipe_files import AnsweredFile
from app.domains.beer.answers import Explanation
from app.domains.beer.file_predictions import RecipeAnswer

NAME_WIDTH = 40
"""Columns of a recipe's name."""
NO_NAME = "(no name)"
_HEADS = ("recipe", "IBU", "interval", "Tinseth", "physical", "stated")
_WIDTHS = (NAME_WIDTH, 6, 13, 8, 8, 6)
_FORMULAS: tuple[tuple[str, Literal["tinseth", "rager", "garetz", "physical"]], ...] = (
    ("Tinseth", "tinseth"),
    ("Rager", "rager"),
    ("Garetz", "garetz"),
    ("physical", "physical"),
)
_CONTROLS = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_FORMULA = ("=", "+", "-", "@")
"""What a formula of a spreadsheet begins with."""
CSV_COLUMNS = (
    "file",
    "name",
    "ibu",
    "lower",
    "upper",
    "tinseth",
    "physical",
    "stated",
    "warnings",
    "notes",
    "errors",
)


def table_lines(files: Sequence[AnsweredFile], width: int | None) -> Iterator[str]:
    """Return the lines of a table: a row for each recipe, and below it what there is to say.

    Args:
        files: The files.
        width: Columns of the terminal, at which remarks are wrapped; None: they are not.
    """
    has_files = len(files) > 1
    yield _row([*_HEADS, *(["file"] if has_files else [])])
    for file in files:
        for answer in file.answers:
            cells = [answer.get("name") or (NO_NAME if file.is_readable else file.name), *_figures(answer)]
            yield _row([*cells, *([file.name] if has_files and file.is_readable else [])])
            for remark in _remarks(answer):
                yield from _wrapped(remark, width)


def csv_text(files: Sequence[AnsweredFile]) -> str:
    """Return a table as CSV: `CSV_COLUMNS`, one row for each recipe; several remarks are joined by semicolons.

    Names come from strangers: one that a spreadsheet would take for a formula gets an apostrophe before it, and
    characters that would control a terminal become spaces.

    Args:
        files: The files.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for file in files:
        writer.writerows(_csv_row(file.name, answer) for answer in file.answers)
    return text.getvalue()


def printable(text: str) -> str:
    """Return text without characters that would control a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def without_controls(text: str) -> str:
    """Return JSON with the characters that would control a terminal and that JSON need not escape as escapes.

    Args:
        text: The JSON, in which these characters occur in strings alone.
    """
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _figures(answer: RecipeAnswer) -> list[str]:
    prediction = answer.get("prediction")
    stated = f"{answer['stated_ibu']:.1f}" if "stated_ibu" in answer else "-"
    if prediction is None:
        return [*["-"] * 4, stated]
    interval, estimates = prediction["interval"], prediction.get("estimates")
    return [
        f"{prediction['ibu']:.1f}",
        f"{interval['lower']:.1f} - {interval['upper']:.1f}",
        f"{estimates['tinseth']:.1f}" if estimates else "-",
        f"{estimates['physical']:.1f}" if estimates else "-",
        stated,
    ]


def _remarks(answer: RecipeAnswer) -> Iterator[str]:
    for problem in answer.get("errors", ()):
        yield f"error    {problem['path']}: {problem['reason']}"
    prediction = answer.get("prediction")
    if prediction is not None:
        if explanation := prediction.get("explanation"):
            yield from _reasons(explanation)
        for warning in prediction["warnings"]:
            yield f"warning  {_with_field(warning.get('field', ''), warning['message'])}"
    for note in answer["notes"]:
        yield f"note     {note['path']}: {note['message']}"


def _reasons(explanation: Explanation) -> Iterator[str]:
    for contribution in explanation["contributions"]:
        yield f"reason   {contribution['text']}"
    for addition in explanation.get("additions", ()):
        formulas = (f"{label} {addition[name]:.1f}" for label, name in _FORMULAS)
        figures = f"{addition['field']}, {addition['name']}: {', '.join(formulas)}, model {addition['model']:.1f} IBU."
        yield f"hops     {figures} {addition.get('reason', '')}".rstrip()


def _with_field(field: str, message: str) -> str:
    return f"{field}: {message}" if field else message


def _csv_row(file: str, answer: RecipeAnswer) -> list[object]:
    prediction = answer.get("prediction")
    figures: list[object] = [""] * 5
    warnings = ""
    if prediction is not None:
        interval, estimates = prediction["interval"], prediction.get("estimates")
        formulas = [estimates["tinseth"], estimates["physical"]] if estimates else ["", ""]
        figures = [prediction["ibu"], interval["lower"], interval["upper"], *formulas]
        warnings = "; ".join(_with_field(each.get("field", ""), each["message"]) for each in prediction["warnings"])
    notes = "; ".join(f"{note['path']}: {note['message']}" for note in answer["notes"])
    errors = "; ".join(f"{problem['path']}: {problem['reason']}" for problem in answer.get("errors", ()))
    row = [file, answer.get("name", ""), *figures, answer.get("stated_ibu", ""), warnings, notes, errors]
    return [_as_text(cell) if isinstance(cell, str) else cell for cell in row]


def _as_text(cell: str) -> str:
    text = printable(cell)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) and len(text) > 1 else text  # - is standard input


def _row(cells: Sequence[str]) -> str:
    name, *others = map(printable, cells)
    padded = [f"{cell:>{size}}" for cell, size in zip(others, _WIDTHS[1:], strict=False)]
    return "  ".join([_fitted(name), *padded, *others[len(padded) :]]).rstrip()


def _fitted(name: str) -> str:
    """Return a name cut or filled up to `NAME_WIDTH` columns; letters of East Asia take two."""
    columns, kept = 0, ""
    for character in name:
        columns += _columns(character)
        if columns > NAME_WIDTH:
            while _width(kept) > NAME_WIDTH - 3:
                kept = kept[:-1]
            kept += "..."
            break
        kept += character
    return kept + " " * (NAME_WIDTH - _width(kept))


def _width(text: str) -> int:
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrapped(remark: str, width: int | None) -> list[str]:
    text = printable(remark)
    if width is None:
        return [f"    {text}"]
    return textwrap.wrap(
        text,
        max(width - 1, 60),
        initial_indent="    ",
        subsequent_indent=" " * 13,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
