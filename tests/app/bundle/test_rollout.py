"""The file of a rollout: what is written is read, what is wrong is named, and a stop never hits another rollout."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.bundle.pointer import POINTER
from app.bundle.rollout import (
    ROLLOUT,
    RolloutSpec,
    end_rollout,
    promote,
    read_rollout,
    stop_rollout,
    write_rollout,
)
from app.errors import BundleError

NAME = "beer-ibu"
CANARY = RolloutSpec(
    id="00112233aabbccdd", mode="canary", version="3", share=0.05, sticky="header:x-user", max_difference=5.0
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a model's folder."""
    (tmp_path / NAME).mkdir()
    return tmp_path


def test_what_is_written_is_read(root: Path) -> None:
    assert read_rollout(root, NAME) is None
    write_rollout(root, NAME, CANARY)
    assert read_rollout(root, NAME) == CANARY
    assert CANARY.summary == "canary, share 0.05 by header x-user"
    assert [path.name for path in (root / NAME).iterdir()] == [ROLLOUT]
    end_rollout(root, NAME)
    end_rollout(root, NAME)
    assert read_rollout(root, NAME) is None


def test_a_stop_is_written_once_and_only_to_its_own_rollout(root: Path) -> None:
    write_rollout(root, NAME, CANARY)
    stop_rollout(root, NAME, "0" * 16, "of another one")
    assert read_rollout(root, NAME) == CANARY
    stop_rollout(root, NAME, CANARY.id, "it fails")
    stop_rollout(root, NAME, CANARY.id, "again")
    stopped = read_rollout(root, NAME)
    assert stopped is not None and stopped.stopped == "it fails" and stopped.summary.endswith(", stopped: it fails")
    end_rollout(root, NAME)
    stop_rollout(root, NAME, CANARY.id, "it fails")
    assert read_rollout(root, NAME) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file: Invalid JSON"),
        ('{"mode": "blue", "version": "3", "share": 0.1}', "mode: "),
        ('{"mode": "shadow", "version": "../3", "share": 0.1}', "version: "),
        ('{"mode": "shadow", "version": "3", "share": 0}', "share: "),
        ('{"mode": "shadow", "version": "3", "share": 0.1, "sticky": "key"}', "only a canary is sticky"),
        ('{"mode": "canary", "version": "3", "share": 0.1, "max_latency": 1e999}', "max_latency: "),
        ('{"mode": "canary", "version": "3", "share": 0.1, "speed": 1}', "speed: "),
        ("x" * 5000, "larger than 4096 bytes"),
        ("canary", "the file: Invalid JSON"),
        ("[]", "the file: "),
        ("\ufeff{}", "the file: Invalid JSON"),
        ("[" * 4000, "the file: Invalid JSON"),
        ('{"mode": "shadow", "version": 3, "share": 0.1}', "version: "),
        ('{"mode": "shadow", "version": "3", "share": NaN}', "share: "),
        ('{"mode": "shadow", "version": "3", "share": true}', "share: "),
        ('{"mode": "shadow", "version": "3", "share": "0.1"}', "share: "),
        ('{"mode": "shadow", "version": "3", "share": 1.01}', "share: "),
        ('{"mode": "canary", "version": "3", "share": 0.1, "id": "../../x"}', "id: "),
        ('{"mode": "canary", "version": "3", "share": 0.1, "stopped": "one\\ntwo"}', "stopped: "),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_field(root: Path, text: str, reason: str) -> None:
    (root / NAME / ROLLOUT).write_text(text)
    with pytest.raises(BundleError, match=r"ROLLOUT: ") as caught:
        read_rollout(root, NAME)
    assert reason in str(caught.value)


def test_a_share_of_nothing_cannot_be_written() -> None:
    with pytest.raises(ValidationError):
        RolloutSpec(mode="canary", version="3", share=0.0)


@pytest.mark.parametrize("kind", ["folder", "pipe", "loop", "bytes"])
def test_what_is_no_file_of_text_is_an_error(root: Path, kind: str) -> None:
    path = root / NAME / ROLLOUT
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no named pipes here")
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(ROLLOUT)
    else:
        path.write_bytes(b'{"mode": "\xff\xfe"}')
    with pytest.raises(BundleError, match=r"ROLLOUT: "):
        read_rollout(root, NAME)


def test_a_file_written_by_hand_gets_an_id_of_its_own(root: Path) -> None:
    """What stopped an earlier one says nothing of the next one."""
    path, text = root / NAME / ROLLOUT, '{"mode": "canary", "version": "3", "share": 0.5}'
    ids = set()
    for modified in 1, 2:
        path.write_text(text)
        os.utime(path, (modified, modified))
        first, second = read_rollout(root, NAME), read_rollout(root, NAME)
        assert first is not None and first == second and first.id
        ids.add(first.id)
        stop_rollout(root, NAME, first.id, "it fails")
        stopped = read_rollout(root, NAME)
        assert stopped is not None and (stopped.id, stopped.stopped) == (first.id, "it fails")
    assert len(ids) == 2


def test_what_another_command_began_meanwhile_is_left_alone(root: Path) -> None:
    other = CANARY.model_copy(update={"id": "f" * 16})
    write_rollout(root, NAME, other)
    end_rollout(root, NAME, CANARY)
    assert read_rollout(root, NAME) == other
    with pytest.raises(BundleError, match="has been ended meanwhile"):
        promote(root, NAME, CANARY)
    stop_rollout(root, NAME, other.id, "it fails")
    with pytest.raises(BundleError, match="version 3 was stopped: it fails"):
        promote(root, NAME, other)
    assert not (root / NAME / POINTER).exists()
