"""The file of keys: what is read, what is refused and how it is told, and that nothing is lost when several write."""

import contextlib
import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from app.access.keyfile import KeyFile, StoredKey, read_keys
from app.access.keystore import change_keys
from app.errors import SettingsError
from tests.known import REPOSITORY

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def _stored(number: int, **more: object) -> StoredKey:
    fields = {"id": f"key-{number}", "sha256": f"{number:064x}", "scopes": ["predict"], "created": MOMENT, **more}
    return StoredKey.model_validate(fields)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with two keys."""
    path = tmp_path / "keys.json"
    keys = (_stored(1), _stored(2, scopes=["metrics", "admin"], expires=MOMENT, rate="100/minute"))
    change_keys(path, lambda _: KeyFile(keys=keys))
    return path


def test_what_was_written_is_read(path: Path) -> None:
    assert read_keys(path).keys == (
        _stored(1),
        _stored(2, scopes=["metrics", "admin"], expires=MOMENT, rate="100/minute"),
    )


def test_a_file_is_readable_by_its_owner_alone_and_has_a_key_a_line(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    change_keys(path, lambda old: old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 4


def test_a_file_cut_off_anywhere_is_broken(path: Path) -> None:
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(SettingsError):
            read_keys(path)


def test_random_bytes_never_do_worse_than_be_refused(path: Path) -> None:
    random, whole = Random(5), path.read_bytes()
    for _ in range(500):
        data = bytearray(whole)
        data[random.randrange(len(data))] = random.randrange(256)
        path.write_bytes(data)
        try:
            read_keys(path)
        except SettingsError as error:
            assert "API_KEYS_FILE" in str(error)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"sha256": "0" * 63}, "keys.1.sha256"),
        ({"sha256": f"{1:064x}"}, "two keys have the same sha256"),
        ({"id": "key-1"}, "two keys have the same id"),
        ({"id": "default"}, "API_KEY"),
        ({"id": 'a"b'}, "keys.1.id"),
        ({"scopes": []}, "keys.1.scopes"),
        ({"scopes": ["root"]}, "keys.1.scopes"),
        ({"expires": "2026-01-31T12:00:00"}, "keys.1.expires"),
        ({"rate": "often"}, "must be a rate"),
        ({"rate": "0/minute"}, "must be a rate"),
        ({"secret": "x"}, "keys.1: Extra inputs are not permitted"),
    ],
)
def test_a_fault_is_told_by_its_place(tmp_path: Path, fault: dict[str, object], said: str) -> None:
    path = tmp_path / "keys.json"
    keys = [json.loads(_stored(number).line()) for number in (1, 2)]
    keys[1].update(fault)
    path.write_text(json.dumps({"format_version": 1, "keys": keys}))
    with pytest.raises(SettingsError, match=said):
        read_keys(path)


@pytest.mark.parametrize("text", ['{"keys": ["the_key"]}', '{"keys": [], "the_key": 1}', "the_key", '{"the_key"'])
def test_what_is_told_of_a_broken_file_repeats_nothing_of_it(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_keys(path)
    assert "the_key" not in str(caught.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="python -m app keys create"):
        read_keys(tmp_path / "none.json")


def test_a_change_that_fails_leaves_the_file_and_nothing_beside_it(path: Path) -> None:
    before = path.read_bytes()

    def fail(old: KeyFile) -> KeyFile:
        raise SettingsError("no")

    with pytest.raises(SettingsError):
        change_keys(path, fail)
    assert path.read_bytes() == before
    assert {p.name for p in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_a_broken_file_is_not_written_over(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SettingsError):
        change_keys(path, lambda _: KeyFile())
    assert path.read_text() == "{"


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    change_keys(link, lambda old: KeyFile(keys=old.keys[:1]))
    assert link.is_symlink()
    assert len(read_keys(path).keys) == 1


def test_several_commands_at_once_lose_no_key_and_no_reader_sees_half_a_file(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "API_KEYS_FILE": str(path)}
    command = [sys.executable, "-m", "app", "keys", "create", "--name"]
    running = [
        subprocess.Popen([*command, f"n{number}"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for number in range(5)
    ]
    for process in running:
        while process.poll() is None:
            assert len(read_keys(path).keys) >= 2
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.002)
    printed = {process.communicate()[0] for process in running}
    assert len(printed) == 5
    assert len(read_keys(path).keys) == 7
