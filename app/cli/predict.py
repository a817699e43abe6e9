"""Predict the recipes of files: BeerXML, BeerJSON, JSON of Brewfather or of the Punk API. Needs no server.

A recipe or file that cannot be read, or not be written as BeerJSON, is named on stderr, and the exit code is 1.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from app.cli.output import write_line
from app.cli.progress import Progress
from app.settings import load_model_settings, log_deprecated_names

if TYPE_CHECKING:
    from app.cli.recipe_files import AnsweredFile

EXIT_LEFT_OUT = 1
"""Exit code if a recipe was left out."""
MAX_LISTED = 20
"""Maximum number of recipes that are named as left out."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``predict``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser("predict", help="predict the recipes of files, without a server", description=__doc__)
    parser.add_argument("files", metavar="FILE", nargs="+", help="file, folder of .xml and .json files, or - for stdin")
    parser.add_argument(
        "--format", choices=("table", "json", "csv", "beerjson"), default="table", help="default: %(default)s"
    )
    parser.add_argument("--explain", action="store_true", help="explain each prediction (table and json)")
    parser.add_argument(
        "--coverage",
        type=float,
        action="append",
        default=[],
        metavar="SHARE",
        help="coverage of an interval to add to each prediction, such as 0.5 (json); may be repeated",
    )
    parser.set_defaults(run=_predict)


def _predict(arguments: argparse.Namespace) -> None:
    from app.cli.recipe_files import answer_files, find_files  # with the models, half a second
    from app.composition.domains import load_domain
    from app.domains.beer.api import BeerApi

    settings = load_model_settings()
    log_deprecated_names(settings)
    names = find_files(arguments.files)
    progress = Progress(len(names), "files")
    domain = load_domain(settings, BeerApi)
    files = list(answer_files(domain, names, arguments.explain, progress.show, arguments.coverage))
    progress.clear()
    rejected = _write(files, arguments.format)
    left_out = [
        f"{file.name}: {with_name(answer.get('name'))}{problem['path']}: {problem['reason']}"
        for file in files
        for answer in file.answers
        for problem in answer.get("errors", ())[:1]
    ] + rejected
    if not names:
        left_out = ["no recipe file was found: names of recipe files end in .xml or .json"]
    complain(left_out)
    if left_out:
        raise SystemExit(EXIT_LEFT_OUT)


def _write(files: "Sequence[AnsweredFile]", format: str) -> list[str]:
    """Write the output; return what cannot be written in this format, with the reason."""
    from app.cli import beerjson_output, recipe_table

    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # letters that it cannot show
    if format == "json":
        recipes = [{"file": file.name, **answer} for file in files for answer in file.answers]
        write_line(recipe_table.without_controls(json.dumps({"recipes": recipes}, ensure_ascii=False, indent=2)))
    elif format == "beerjson":
        text, rejected = beerjson_output.beerjson_text(files)
        if text:
            write_line(recipe_table.without_controls(text))
        return rejected
    elif format == "csv":
        write_line(recipe_table.csv_text(files).removesuffix("\n"))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
        write_line("\n".join(recipe_table.table_lines(files, width)))
    return []


def complain(left_out: Sequence[str]) -> None:
    """Say on stderr what was left out.

    Args:
        left_out: A line for each recipe or file, with the reason.
    """
    from app.cli.recipe_table import printable

    lines = [f"Left out: {printable(each)}" for each in left_out[:MAX_LISTED]]
    if len(left_out) > MAX_LISTED:
        lines.append(f"Left out: {len(left_out) - MAX_LISTED} more")
    with suppress(OSError):  # stderr may be closed or full; the exit code still reports the failure
        for line in lines:
            print(line, file=sys.stderr)


def with_name(name: str | None) -> str:
    """Return what precedes a reason: the name of the recipe, if it has one."""
    return f"{name}: " if name else ""
