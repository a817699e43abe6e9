"""Show calls, rows and refused calls by key and day, from the file that USAGE_PATH names."""

import argparse
import json
from datetime import UTC, datetime, timedelta

from app.cli.output import write_line
from app.errors import SettingsError
from app.settings import usage_file
from app.usage.file import Usage, read_usage

DAYS = 30
"""Number of days that are shown, unless an option says otherwise."""
_HEAD = ("day", "key", "calls", "rows", "refused")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``usage``.

    Args:
        commands: The parser's commands; each sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser("usage", help="show calls, rows and refused calls by key and day", description=__doc__)
    parser.add_argument(
        "--days", type=_days, default=DAYS, help="number of days, with today, in UTC (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="write one object of JSON per line")
    parser.set_defaults(run=_show)


def _show(arguments: argparse.Namespace) -> None:
    path = usage_file()
    if path is None:
        raise SettingsError("USAGE_PATH: is not set, so that nothing is counted")
    try:
        usage = read_usage(path)
    except OSError as error:
        raise SettingsError(f"USAGE_PATH: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"USAGE_PATH: {path} cannot be read: {error}") from None
    first = (datetime.now(UTC) - timedelta(days=arguments.days - 1)).strftime("%Y-%m-%d")
    shown = {key: usage[key] for key in sorted(usage) if key[0] >= first}
    if arguments.json:
        for (day, key), counts in shown.items():
            write_line(json.dumps(dict(zip(_HEAD, (day, key, *counts), strict=True))))
        return
    for line in _table(shown):
        write_line(line)


def _table(usage: Usage) -> list[str]:
    totals: dict[str, tuple[int, int, int]] = {}
    for (_, key), counts in usage.items():
        before = totals.get(key, (0, 0, 0))
        totals[key] = (before[0] + counts[0], before[1] + counts[1], before[2] + counts[2])
    rows = [
        _HEAD,
        *((day, key, *map(str, counts)) for (day, key), counts in usage.items()),
        *(("total", key, *map(str, totals[key])) for key in sorted(totals)),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return [
        "  ".join(text.ljust(width) if column < 2 else text.rjust(width) for column, (text, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("must be a whole number of 1 or more")
    return int(text)
