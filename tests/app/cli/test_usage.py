"""The command ``usage``."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.usage.file import add_usage
from tests.live.program import environment


def usage(folder: Path, *options: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app", "usage", *options]
    return subprocess.run(command, cwd=folder, env=environment(**settings), capture_output=True, text=True)


@pytest.fixture
def days(tmp_path: Path) -> list[str]:
    """Today, yesterday and the day 40 days ago; the file has entries of each."""
    now = datetime.now(UTC)
    days = [(now - timedelta(days=back)).strftime("%Y-%m-%d") for back in (0, 1, 40)]
    for day in days:
        add_usage(tmp_path / "usage.json", {(day, "brewery-1a2b3c4d"): (10, 200, 1), (day, "-"): (3, 0, 3)})
    return days


def test_the_table_has_a_line_for_each_day_and_key_and_totals(tmp_path: Path, days: list[str]) -> None:
    done = usage(tmp_path, USAGE_PATH="usage.json")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows == [
        ["day", "key", "calls", "rows", "refused"],
        [days[1], "-", "3", "0", "3"],
        [days[1], "brewery-1a2b3c4d", "10", "200", "1"],
        [days[0], "-", "3", "0", "3"],
        [days[0], "brewery-1a2b3c4d", "10", "200", "1"],
        ["total", "-", "6", "0", "6"],
        ["total", "brewery-1a2b3c4d", "20", "400", "2"],
    ]


def test_json_and_a_number_of_days_without_any_other_setting(tmp_path: Path, days: list[str]) -> None:
    done = usage(tmp_path, "--json", "--days", "1", USAGE_PATH="usage.json", PORT="not-a-port")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"day": days[0], "key": "-", "calls": 3, "rows": 0, "refused": 3},
        {"day": days[0], "key": "brewery-1a2b3c4d", "calls": 10, "rows": 200, "refused": 1},
    ]


def test_without_the_setting_or_with_another_file_it_says_why(tmp_path: Path) -> None:
    done = usage(tmp_path)
    assert (done.returncode, done.stderr) == (2, "Settings: USAGE_PATH: is not set, so that nothing is counted\n")
    (tmp_path / "other.json").write_text("[]")
    done = usage(tmp_path, USAGE_PATH="other.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Settings: USAGE_PATH: other.json cannot be read: it is not a file of the usage\n"
