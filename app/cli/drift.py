"""Compare what models were asked and answered with their training data.

Reads recorded rows (RECORD), or the counters of /metrics. The exit code is 1 if something has drifted, 2 if nothing
can be read. docs/drift.md says what is tested, how sure an alarm is, and how many rows it takes.
"""

import argparse
import json
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.bundle.fetch import models_root
from app.bundle.manifest import MANIFEST, Manifest, parse_manifest
from app.cli.output import write_line
from app.errors import BundleError, RecordsError
from app.settings import ModelSettings, label_places, load_model_settings, log_deprecated_names

if TYPE_CHECKING:
    from app.drift.samples import Sample

EXIT_DRIFT = 1
"""Exit code if something has drifted."""
EXIT_UNREADABLE = 2
"""Exit code if nothing can be read, or scipy is not installed."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERSION = re.compile(r"[1-9][0-9]*")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``drift``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser(
        "drift", help="compare what models were asked and answered with their training data", description=__doc__
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="*",
        help="files of records, folders, patterns or s3:// prefixes (default: RECORD_PATH)",
    )
    parser.add_argument("--url", help="address of /metrics, instead of records; - reads metrics from stdin")
    parser.add_argument("--key-file", type=Path, help="file with an API key of the scope metrics, for --url")
    parser.add_argument("--model", help="only this model (default: all)")
    parser.add_argument("--version", dest="only_version", help="only this version (default: all)")
    parser.add_argument("--since", type=_since, help="only records since a date, or of the last 7d, 12h or 2w")
    parser.add_argument("--json", action="store_true", help="write JSON, with every figure")
    parser.set_defaults(run=_drift, parser=parser)


def _drift(arguments: argparse.Namespace) -> None:
    if arguments.paths and arguments.url:
        arguments.parser.error("give either paths of records or --url")
    if arguments.url and arguments.since:
        arguments.parser.error("--since needs records: counters count since the start of the program")
    try:
        from app.drift.assessment import assess
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "scipy":
            raise
        _fail("needs scipy, which the service does not: pip install -r requirements/train.txt")
    from app.drift.report import as_json, lines_of

    settings = load_model_settings()
    log_deprecated_names(settings)
    try:
        samples, left_out = _samples(arguments, settings)
    except RecordsError as error:
        _fail(str(error))
    with suppress(OSError):  # stderr may be closed
        for (model, version), rows in left_out.items():
            print(f"Left out: {rows} rows of {model} {version}, which has no bundle here", file=sys.stderr)
    if not samples:
        _fail("there are no such rows")
    figures = assess(samples)
    if arguments.json:
        write_line(json.dumps(as_json(samples, figures, left_out), indent=2))
    else:
        write_line("\n".join(lines_of(samples, figures)))
    if any(one.is_alarm for one in figures):
        raise SystemExit(EXIT_DRIFT)


def _samples(
    arguments: argparse.Namespace, settings: ModelSettings
) -> "tuple[list[Sample], dict[tuple[str, str], int]]":
    from app.drift import samples

    root = models_root(settings)

    @cache
    def manifest(model: str, version: str) -> Manifest | None:
        path = root / model / version / MANIFEST
        if not (_NAME.fullmatch(model) and _VERSION.fullmatch(version) and path.is_file()):
            return None
        try:
            return parse_manifest(path.read_bytes())
        except (BundleError, OSError) as error:
            raise RecordsError(f"{model} {version}: {error}") from None

    only = arguments.model, arguments.only_version
    if arguments.url:
        from app.drift.fetching import read_metrics

        return samples.counted(read_metrics(arguments.url, arguments.key_file), manifest, *only)
    from app.records.reading import read_records

    records = read_records(arguments.paths or [label_places()[1]], s3_endpoint=settings.s3_endpoint)
    return samples.recorded(records, manifest, *only, arguments.since)


def _fail(reason: str) -> None:
    with suppress(OSError):
        print(f"drift: {reason}", file=sys.stderr)
    raise SystemExit(EXIT_UNREADABLE)


def _since(text: str) -> datetime:
    try:
        if span := re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text):
            return datetime.now(UTC) - int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a span such as 7d or 12h, or a date such as 2027-01-31") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
