"""The command ``keys``: its output, the file it writes, and invalid arguments."""

import json
import re
import stat
from pathlib import Path

import pytest

from app.composition.access import build_keys
from app.errors import SettingsError
from app.settings import load_settings
from app.telemetry.metrics import Registry
from tests.commands import Print, printer


@pytest.fixture
def keys(plain_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Print:
    """Runs a command, and returns its output; that of a failing command is what it wrote to stderr."""
    monkeypatch.setenv("API_KEYS_FILE", "keys.json")

    return printer("keys", monkeypatch, capsys)


def test_create_prints_only_the_key_and_creates_the_file(keys: Print, plain_environment: Path) -> None:
    printed = keys("create", "--name", "Brew Club", "--expires", "90d", "--rate", "100/minute")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", printed)
    path = plain_environment / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert printed.strip() not in path.read_text()
    stored = json.loads(path.read_text())["keys"][0]
    assert stored["scopes"] == ["predict"] and stored["rate"] == "100/minute"
    line = keys("list")
    assert line.startswith(stored["id"] + " ") and stored["id"].startswith("Brew-Club-")
    assert "expires" in line and "100/minute" in line and printed.strip() not in line


def test_list_prints_one_line_per_key_with_its_expiry(keys: Print, plain_environment: Path) -> None:
    keys("create", "--name", "old", "--expires", "2020-01-31")
    keys("create", "--name", "new")
    old, new = keys("list").splitlines()
    assert "expired 2020-01-31" in old and "never expires" in new


def test_revoke_removes_one_key_and_rejects_an_unknown_id(keys: Print, plain_environment: Path) -> None:
    for name in "one", "two":
        keys("create", "--name", name)
    first = keys("list").split()[0]
    assert keys("revoke", first) == ""
    assert [line.split()[0] for line in keys("list").splitlines()] != [first]
    assert len(keys("list").splitlines()) == 1
    assert first in keys("revoke", first, code=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("create",),
        ("create", "--name", "../.."),
        ("create", "--name", "x", "--scopes", "root"),
        ("create", "--name", "x", "--scopes", ""),
        ("create", "--name", "x", "--expires", "soon"),
        ("create", "--name", "x", "--expires", "999999w"),
        ("create", "--name", "x", "--rate", "often"),
        ("list",),
        ("revoke", "x"),
        (),
    ],
)
def test_invalid_arguments_are_reported_and_create_no_file(
    keys: Print, plain_environment: Path, arguments: tuple[str, ...]
) -> None:
    message = keys(*arguments, code=2)
    assert ("keys.json is missing" in message) == (arguments in [("list",), ("revoke", "x")])
    assert not (plain_environment / "keys.json").exists()


def test_without_the_setting_a_service_reads_the_file_that_create_makes(
    keys: Print, plain_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_KEYS_FILE")
    assert "keys.json is missing" in keys("list", code=2)
    with pytest.raises(SettingsError, match="API_KEY is missing"):
        load_settings()
    keys("create", "--name", "brewery")
    watched = build_keys(load_settings(), Registry())[0]
    assert len(watched) == 1
    assert keys("list").startswith("brewery-")


def test_the_setting_is_read_from_an_env_file_with_other_invalid_settings(
    keys: Print, plain_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_KEYS_FILE")
    (plain_environment / ".env").write_text("API_KEYS_FILE=other.json\nPORT=none\n")
    keys("create", "--name", "x")
    assert (plain_environment / "other.json").exists()
    (plain_environment / ".env").write_bytes(b"\xff")
    assert ".env cannot be read" in keys("list", code=2)


def test_a_folder_that_is_not_writable_is_reported(keys: Print, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEYS_FILE", "/proc/keys.json")
    assert "/proc/keys.json cannot be written" in keys("create", "--name", "x", code=2)
