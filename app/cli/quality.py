"""Show the accuracy of the models' predictions, by the labels received for them; see docs/labels.md."""

import argparse
import json
import re
from datetime import UTC, datetime, timedelta

from app.bundle.fetch import models_root
from app.cli.output import write_line
from app.errors import SettingsError
from app.labels.quality import Between, Quality
from app.labels.report import Report, existing, report_of
from app.settings import label_places, load_model_settings

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_HEAD = ("model", "version", "kind", "IBU", "labels", "beers", "MAE", "bias", "coverage", "promised")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``quality``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    quality = commands.add_parser("quality", help="show online quality by labels", description=__doc__)
    quality.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files of labels and records, folders, patterns or s3:// prefixes (default: FEEDBACK_PATH, RECORD_PATH)",
    )
    quality.add_argument("--since", type=_since, help="labels from then on: 12h, 30d, 8w or a date (default: all)")
    quality.add_argument("--json", action="store_true", help="print JSON")
    quality.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    settings = load_model_settings()
    places = label_places()
    paths = arguments.paths or existing(places)
    if not paths:
        raise SettingsError(f"RECORD_PATH: there is no folder {places[0]}")
    report = report_of(paths, models_root(settings), arguments.since, settings.s3_endpoint)
    if arguments.json:
        write_line(json.dumps(report.as_json(), indent=1))
    else:
        write_line(text_of(report))


def text_of(report: Report) -> str:
    """Return a report as text: a table, and what it does not contain.

    Args:
        report: The report.
    """
    lines = [_HEAD, *map(_cells, report.figures)] if report.figures else []
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    if report.figures:
        text += ["", "[from, to]: 95 % interval. Labels of one beer count as one."]
    text += [f"{report.labels} labels"]
    for count, what in (
        (report.unanswered, "labels without a known prediction"),
        (report.without_interval, "labels whose model answers no bitterness with an interval"),
        (report.skipped, "lines that are no labels"),
    ):
        if count:
            text.append(f"{count} {what}: left out")
    return "\n".join(text)


def _cells(figures: Quality) -> tuple[str, ...]:
    level = "unknown" if figures.level is None else f"{figures.level:.0%}"
    counts = str(figures.labels), str(figures.beers)
    coverage = figures.coverage
    return (
        figures.model,
        figures.version,
        figures.kind,
        figures.band,
        *counts,
        _ibu(figures.mae, figures.beers),
        _ibu(figures.bias, figures.beers),
        f"{coverage.value:.0%} [{coverage.low:.0%}, {coverage.high:.0%}]",
        f"{level}, missed" if figures.is_missed else level,
    )


def _ibu(figure: Between, beers: int) -> str:
    return f"{figure.value:.1f} [{figure.low:.1f}, {figure.high:.1f}]" if beers > 1 else f"{figure.value:.1f}"


def _since(text: str) -> datetime:
    now = datetime.now(UTC)
    try:
        if span := re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text):
            return now - int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a time ago such as 12h, 30d or 8w, or a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
