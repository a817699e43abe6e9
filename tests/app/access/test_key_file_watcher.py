"""The watch over the file of keys, look by look: what changes counts, what is broken does not."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from app.access.key_file_watcher import KeyFileWatcher
from app.access.keyfile import KeyFile, StoredKey
from app.access.keys import KeyRing, default_principal
from app.access.keystore import change_keys
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


class Watched:
    """A ring that follows a file."""

    def __init__(self, path: Path, rate: str | None = None) -> None:
        own = default_principal(KEY)
        self.ring, self.metrics = KeyRing(own), Registry()
        self.watch = KeyFileWatcher(path, self.ring, own, parse_rate(rate) if rate else None, self.metrics)

    def knows(self, name: str) -> bool:
        """Whether a key is known."""
        try:
            self.ring.authenticate(name.encode())
        except NotAuthenticated:
            return False
        return True

    def figure(self, name: str) -> float:
        """A gauge's value."""
        lines = exposition(self.metrics).decode().splitlines()
        return next(float(x.split(" ")[1]) for x in lines if x.startswith(f"{name} "))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with the key ``one``."""
    _write(tmp_path / "keys.json", "one")
    return tmp_path / "keys.json"


@pytest.fixture
def watched(path: Path) -> Watched:
    """A ring that has taken the file over."""
    watched = Watched(path)
    watched.watch.load()
    return watched


def test_keys_of_the_file_stand_beside_that_of_the_settings(watched: Watched) -> None:
    assert watched.knows("one") and watched.knows(KEY) and not watched.knows("two")
    assert watched.figure("api_keys") == 2
    assert 0 <= watched.figure("api_keys_file_age_seconds") < 60


def test_a_change_is_taken_over_and_a_revoked_key_forgotten(watched: Watched, path: Path) -> None:
    _write(path, "two")
    watched.watch.check()
    assert watched.knows("two") and watched.knows(KEY) and not watched.knows("one")


@pytest.mark.parametrize("fault", ["gone", "empty", "cut", "folder"])
def test_a_broken_file_keeps_the_last_good_keys_and_says_so_once(
    watched: Watched, path: Path, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = path.read_bytes()
    path.unlink()
    if fault == "folder":
        path.mkdir()
    elif fault != "gone":
        path.write_bytes(b"" if fault == "empty" else whole[:-10])
    for _ in range(3):
        watched.watch.check()
    assert watched.knows("one")
    assert watched.figure("api_keys_file_broken") == 1
    assert [x.levelname for x in caplog.records] == ["ERROR"]
    assert "the last good keys still count" in caplog.text
    if fault == "folder":
        path.rmdir()
    _write_whole(path)
    watched.watch.check()
    assert watched.knows("three") and not watched.knows("one")
    assert watched.figure("api_keys_file_broken") == 0


def _write_whole(path: Path) -> None:
    path.unlink(missing_ok=True)
    _write(path, "three")


def test_a_file_that_is_broken_at_the_start_is_an_error(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SettingsError, match="keys.json is broken"):
        Watched(path).watch.load()


def test_a_key_without_a_rate_has_the_one_of_the_settings(path: Path) -> None:
    watched = Watched(path, "7/minute")
    watched.watch.load()
    rate = watched.ring.authenticate(b"one").rate
    assert rate is not None and rate.amount == 7
    _write(path, "one", rate="3/minute")
    watched.watch.check()
    rate = watched.ring.authenticate(b"one").rate
    assert rate is not None and rate.amount == 3
