"""The key-file watcher: changes are applied, and a broken file is ignored."""

import os
import re
import stat
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from app.access.key_file import KeyFile, StoredKey, change_keys
from app.access.key_file_watcher import KeyFileWatcher
from app.access.keys import KeyRing, default_principal
from app.access.rates import parse_rate
from app.errors import NotAuthenticated, SettingsError
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Registry
from tests.known import KEY


def _write(path: Path, *names: str, rate: str | None = None) -> None:
    keys = tuple(
        StoredKey(
            id=f"id-{name}",
            sha256=sha256(name.encode()).hexdigest(),
            scopes=frozenset({"predict"}),
            created=datetime.now(UTC),
            rate=rate,
        )
        for name in names
    )
    change_keys(path, lambda _: KeyFile(keys=keys))


class WatchedRing:
    """A key ring with its watcher."""

    def __init__(self, path: Path, rate: str | None = None) -> None:
        own = default_principal(KEY)
        self.ring, self.metrics = KeyRing(own), Registry()
        self.watcher = KeyFileWatcher(path, self.ring, own, parse_rate(rate) if rate else None, self.metrics)

    def accepts(self, name: str) -> bool:
        """Whether a key is valid."""
        try:
            self.ring.authenticate(name.encode())
        except NotAuthenticated:
            return False
        return True

    def value(self, name: str) -> float:
        """The value of a gauge."""
        lines = exposition(self.metrics).decode().splitlines()
        return next(float(x.split(" ")[1]) for x in lines if x.startswith(f"{name} "))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the key ``one``."""
    _write(tmp_path / "keys.json", "one")
    return tmp_path / "keys.json"


@pytest.fixture
def watched(path: Path) -> WatchedRing:
    """A key ring with the keys of the file."""
    watched = WatchedRing(path)
    watched.watcher.load()
    return watched


def test_the_keys_of_the_file_and_of_the_settings_are_valid(watched: WatchedRing) -> None:
    assert watched.accepts("one") and watched.accepts(KEY) and not watched.accepts("two")
    assert watched.value("api_keys") == 2
    assert 0 <= watched.value("api_keys_file_age_seconds") < 60


def test_a_change_is_applied_and_a_revoked_key_is_invalid(watched: WatchedRing, path: Path) -> None:
    _write(path, "two")
    watched.watcher.check()
    assert watched.accepts("two") and watched.accepts(KEY) and not watched.accepts("one")


@pytest.mark.parametrize("fault", ["gone", "empty", "cut", "folder"])
def test_a_broken_file_keeps_the_last_good_keys_and_is_logged_once(
    watched: WatchedRing, path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = path.read_bytes()
    path.unlink()
    if fault == "folder":
        path.mkdir()
    elif fault != "gone":
        path.write_bytes(b"" if fault == "empty" else content[:-10])
    for _ in range(3):
        watched.watcher.check()
    assert watched.accepts("one")
    assert watched.value("api_keys_file_broken") == 1
    assert [x.levelname for x in caplog.records] == ["ERROR"]
    assert "the last good keys stay valid" in caplog.text
    if fault == "folder":
        path.rmdir()
    _write_whole(path)
    watched.watcher.check()
    assert watched.accepts("three") and not watched.accepts("one")
    assert watched.value("api_keys_file_broken") == 0


def _write_whole(path: Path) -> None:
    path.unlink(missing_ok=True)
    _write(path, "three")


def test_a_broken_file_at_the_start_is_an_error(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SettingsError, match="keys.json is broken"):
        WatchedRing(path).watcher.load()


def test_a_key_without_a_rate_has_the_rate_of_the_settings(path: Path) -> None:
    watched = WatchedRing(path, "7/minute")
    watched.watcher.load()
    rate = watched.ring.authenticate(b"one").rate
    assert rate is not None and rate.amount == 7
    _write(path, "one", rate="3/minute")
    watched.watcher.check()
    rate = watched.ring.authenticate(b"one").rate
    assert rate is not None and rate.amount == 3


def test_a_started_watcher_applies_a_change_and_a_stopped_one_ends(watched: WatchedRing, path: Path) -> None:
    watched.watcher.start()
    (thread,) = [thread for thread in threading.enumerate() if thread.name == "key file"]
    _write(path, "two")
    deadline = time.monotonic() + 10
    while not watched.accepts("two"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    watched.watcher.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("kind", ["a named pipe", "a folder", "a device", "a link to a device", "a large file"])
def test_a_path_that_cannot_be_a_key_file_is_reported_and_does_not_stop_the_watch(
    path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    watched = WatchedRing(path)
    watched.watcher.load()
    path.unlink()
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a device":
        try:
            os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
        except PermissionError:
            pytest.skip("only root makes devices")
    elif kind == "a link to a device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1024**3)
    started = time.monotonic()
    watched.watcher.start()
    try:
        while not watched.value("api_keys_file_broken"):
            assert time.monotonic() - started < 5
            time.sleep(0.01)
        assert watched.accepts("one")
        expected = "larger than" if kind == "a large file" else "regular file"
        assert re.search(f"API_KEYS_FILE: .*({expected}).*last good keys stay valid", caplog.text)
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
        _write(path, "two")
        while not watched.accepts("two"):
            assert time.monotonic() - started < 10
            time.sleep(0.01)
        assert watched.value('heartbeat_age_seconds{part="key_file"}') < 5
    finally:
        watched.watcher.stop()
