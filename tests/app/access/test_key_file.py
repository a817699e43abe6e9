"""The key file: reading, error messages, and atomic changes by several processes."""

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

from app.access.key_file import KeyFile, StoredKey, change_keys, read_keys
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


def test_a_written_file_is_read_back(path: Path) -> None:
    assert read_keys(path).keys == (
        _stored(1),
        _stored(2, scopes=["metrics", "admin"], expires=MOMENT, rate="100/minute"),
    )


def test_a_new_file_is_private_and_has_one_key_per_line(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().splitlines()) == 4


def test_a_change_keeps_mode_and_owner(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 10001, 10002)
    before = path.stat()
    change_keys(path, lambda old: old)
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_truncated_file_is_rejected(path: Path) -> None:
    content = path.read_bytes().rstrip()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(SettingsError):
            read_keys(path)


def test_corrupted_bytes_never_crash_the_reader(path: Path) -> None:
    random, content = Random(5), path.read_bytes()
    for _ in range(500):
        data = bytearray(content)
        data[random.randrange(len(data))] = random.randrange(256)
        path.write_bytes(data)
        try:
            read_keys(path)
        except SettingsError as error:
            assert "API_KEYS_FILE" in str(error)


@pytest.mark.parametrize(
    ("fault", "message"),
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
def test_an_error_message_names_the_field(tmp_path: Path, fault: dict[str, object], message: str) -> None:
    path = tmp_path / "keys.json"
    keys = [json.loads(_stored(number).line()) for number in (1, 2)]
    keys[1].update(fault)
    path.write_text(json.dumps({"format_version": 1, "keys": keys}))
    with pytest.raises(SettingsError, match=message):
        read_keys(path)


@pytest.mark.parametrize("text", ['{"keys": ["the_key"]}', '{"keys": [], "the_key": 1}', "the_key", '{"the_key"'])
def test_an_error_message_repeats_nothing_of_the_file(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_keys(path)
    assert "the_key" not in str(caught.value)


def test_a_byte_order_mark_is_ignored_and_a_field_given_twice_rejected(path: Path) -> None:
    text = path.read_bytes()
    path.write_bytes(b"\xef\xbb\xbf" + text)
    assert read_keys(path).text().encode() == text
    path.write_bytes(text.replace(b'"scopes"', b'"scopes": ["admin"], "scopes"', 1))
    with pytest.raises(SettingsError, match="more than once"):
        read_keys(path)


def test_the_message_for_a_missing_file_says_how_to_create_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="python -m app keys create"):
        read_keys(tmp_path / "none.json")


def test_a_failed_change_leaves_the_file_and_no_other(path: Path) -> None:
    before = path.read_bytes()

    def fail(old: KeyFile) -> KeyFile:
        raise SettingsError("no")

    with pytest.raises(SettingsError):
        change_keys(path, fail)
    assert path.read_bytes() == before
    assert {p.name for p in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_a_broken_file_is_not_overwritten(path: Path) -> None:
    path.write_text("{")
    with pytest.raises(SettingsError):
        change_keys(path, lambda _: KeyFile())
    assert path.read_text() == "{"


def test_a_symbolic_link_is_kept(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(path)
    change_keys(link, lambda old: KeyFile(keys=old.keys[:1]))
    assert link.is_symlink()
    assert len(read_keys(path).keys) == 1


def test_concurrent_commands_lose_no_key_and_readers_never_see_a_partial_file(path: Path) -> None:
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
