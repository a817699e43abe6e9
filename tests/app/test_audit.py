"""The audit: its lines, and what happens when a line cannot be written."""

import json
import logging
import os
import pwd
import resource
import threading
from pathlib import Path

import pytest

from app.audit import Audit, Change, key_holder, user
from app.errors import SettingsError
from app.settings import Settings, changed_settings
from tests.known import KEY


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_who_what_before_and_after(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with Audit(path).command("model.activate", "beer-ibu") as change:
        change.before, change.after = "1", "2"
    line = lines(path)[0]
    assert str(line.pop("time")).endswith("Z")
    name = pwd.getpwuid(os.getuid()).pw_name
    assert line == {
        "event": "audit",
        "who": f"user:{name}",
        "what": "model.activate",
        "target": "beer-ibu",
        "before": "1",
        "after": "2",
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_who_comes_from_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    assert "somebody-else" not in user()
    assert key_holder("brewery-1") == "key:brewery-1"


def test_a_command_that_fails_leaves_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with pytest.raises(KeyError), Audit(path).command("key.revoke", "one"):
        raise KeyError
    assert lines(path) == []


def test_a_command_is_refused_before_it_changes_anything_if_the_file_cannot_be_opened(tmp_path: Path) -> None:
    changed = False
    with pytest.raises(SettingsError, match=r"AUDIT_PATH: .* cannot be written: Is a directory$"):
        with Audit(tmp_path).command("key.create", "one"):
            changed = True
    assert not changed


def test_a_command_says_that_its_change_is_made_if_the_line_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("x" * 100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        with pytest.raises(SettingsError, match="File too large; the change is made"):
            with Audit(path).command("key.create", "one"):
                pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_service_goes_on_and_puts_the_line_in_its_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Audit(tmp_path).note("key:one", "model.unload", Change("1", None, "iris"))
        Audit().note("key:one", "model.load", Change(None, "1", "iris"))
    first, second = caplog.records
    assert (
        first.levelname == "ERROR" and "Is a directory" in first.getMessage() and '"model.unload"' in first.getMessage()
    )
    assert second.levelname == "INFO" and second.getMessage().startswith('audit: {"time": ')


def test_lines_of_several_writers_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    audits = [Audit(path) for _ in range(4)]

    def write(audit: Audit) -> None:
        for number in range(25):
            audit.note("key:one", "model.load", Change(None, "x" * 5000, str(number)))

    threads = [threading.Thread(target=write, args=(audit,)) for audit in audits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines(path)) == 100


def test_settings_that_differ_are_stated_without_secrets() -> None:
    settings = Settings(
        api_key=KEY, port=9000, public_models=("iris",), rate_limit_storage="redis://:secret@host:6379/0"
    )
    assert changed_settings(settings) == {
        "API_KEY": "(secret)",
        "PORT": "9000",
        "PUBLIC_MODELS": "iris",
        "RATE_LIMIT_STORAGE": "(secret)",
    }
