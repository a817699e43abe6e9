"""The pointer: the active version, rollback down a history, new versions that are not active, and atomic writes."""

from pathlib import Path
from threading import Thread

import pytest

from app.bundle.pointer import (
    POINTER,
    Pointer,
    activate,
    active_version,
    add_inactive,
    read_pointer,
    reload,
    rollback,
    unload,
)
from app.bundle.store import models
from app.errors import BundleError

NAME = "beer"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folders of the versions 1, 2 and 10."""
    for version in "1", "2", "10":
        (tmp_path / NAME / version).mkdir(parents=True)
    return tmp_path


def test_without_a_pointer_the_highest_version_is_active(root: Path) -> None:
    assert read_pointer(root, NAME) is None
    assert active_version(root, NAME) == "10"


def test_a_chosen_version_stays_active_when_a_higher_one_appears(root: Path) -> None:
    activate(root, NAME, "2")
    (root / NAME / "11").mkdir()
    assert active_version(root, NAME) == "2"
    assert read_pointer(root, NAME) == Pointer("2", ("10", "1"), complete=True)
    assert (root / NAME / POINTER).read_text() == "2\n10\n1\nnone\n"


def test_a_rollback_goes_down_the_history_and_never_returns_to_the_version_it_left(root: Path) -> None:
    for version in "1", "2", "10":
        activate(root, NAME, version)
    assert rollback(root, NAME) == "2" == active_version(root, NAME)
    assert rollback(root, NAME) == "1" == active_version(root, NAME)
    with pytest.raises(BundleError, match="no previous version"):
        rollback(root, NAME)
    activate(root, NAME, "2")
    assert rollback(root, NAME) == "1"


def test_a_version_that_was_left_does_not_come_back_as_the_next_lower_one(root: Path) -> None:
    activate(root, NAME, "2")  # 10 was active before, and 1 before that
    assert rollback(root, NAME) == "10"
    assert rollback(root, NAME) == "1"
    with pytest.raises(BundleError, match="no previous version"):
        rollback(root, NAME)


def test_a_rollback_without_a_pointer_goes_to_the_next_lower_version(root: Path) -> None:
    assert rollback(root, NAME) == "2"
    assert rollback(root, NAME) == "1"
    with pytest.raises(BundleError, match="no previous version"):
        rollback(root, NAME)


def test_the_history_survives_unloading(root: Path) -> None:
    activate(root, NAME, "1")
    unload(root, NAME)
    reload(root, NAME)
    assert [rollback(root, NAME), rollback(root, NAME)] == ["10", "2"]


def test_the_history_has_room_for_the_longest_versions(root: Path) -> None:
    for number in range(100_000_000, 100_000_050):
        (root / NAME / str(number)).mkdir()
        activate(root, NAME, str(number))
    assert rollback(root, NAME) == "100000048"


def test_activating_twice_keeps_the_previous_version(root: Path) -> None:
    activate(root, NAME, "1")
    activate(root, NAME, "1")
    assert rollback(root, NAME) == "10"


def test_a_rollback_from_the_lowest_version_is_an_error(root: Path) -> None:
    (root / NAME / POINTER).write_text("1\n")
    with pytest.raises(BundleError, match="no previous version"):
        rollback(root, NAME)
    (root / NAME / POINTER).write_text("1\n7\n")
    with pytest.raises(BundleError, match="previous version 7 does not exist"):
        rollback(root, NAME)


def add(root: Path, version: str, name: str = NAME) -> None:
    def place() -> Path:
        (root / name / version).mkdir(parents=True)
        return root / name / version

    assert add_inactive(root, name, place) == root / name / version


@pytest.mark.parametrize(("chosen", "active"), [(None, "10"), ("1", "1")])
def test_an_added_version_is_not_active(root: Path, chosen: str | None, active: str) -> None:
    if chosen:
        activate(root, NAME, chosen)
    add(root, "11")
    assert active_version(root, NAME) == active
    activate(root, NAME, "11")
    assert rollback(root, NAME) == active


def test_the_first_added_version_is_active(root: Path) -> None:
    add(root, "1", "new")
    assert active_version(root, "new") == "1"
    add(root, "2", "new")
    assert active_version(root, "new") == "1"


def test_adding_a_version_does_not_activate_a_model_that_was_unloaded(root: Path) -> None:
    unload(root, NAME)
    add(root, "11")
    assert active_version(root, NAME) is None
    reload(root, NAME)
    assert active_version(root, NAME) == "10"


def test_a_reader_never_sees_an_added_version_active(root: Path) -> None:
    """Versions are added in two threads while a third one reads, each time in a folder without a pointer."""
    seen = set()
    for number in range(20):
        name = f"model-{number}"
        (root / name / "1").mkdir(parents=True)
        writers = [Thread(target=add, args=(root, version, name)) for version in ("2", "3")]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            seen.add(active_version(root, name))
        seen.add(active_version(root, name))
    assert seen == {"1"}


def test_a_pointer_written_by_hand_is_valid(root: Path) -> None:
    for text in "2", "2\n", " 2 \r\n", "\n2\n1\n\n", "2\n1\n10\n", "2\nnone\n":
        (root / NAME / POINTER).write_text(text)
        assert active_version(root, NAME) == "2"


@pytest.mark.parametrize(
    "text", [b"", b"\n", b"two", b"02", b"-1", b"../2", b"2 1", b"2\none\n", b"2\nnone\n1\n", b"2\n\xff", b"2\n" * 999]
)
def test_a_broken_pointer_is_an_error_and_can_be_replaced(root: Path, text: bytes) -> None:
    (root / NAME / POINTER).write_bytes(text)
    with pytest.raises(BundleError, match=str(root / NAME / POINTER)):
        active_version(root, NAME)
    activate(root, NAME, "2")
    assert active_version(root, NAME) == "2"


def test_a_pointer_to_a_missing_version_is_an_error(root: Path) -> None:
    (root / NAME / POINTER).write_text("3\n")
    with pytest.raises(BundleError, match="names version 3, which does not exist"):
        active_version(root, NAME)
    with pytest.raises(BundleError, match="no version 3"):
        activate(root, NAME, "3")


def test_a_pointer_that_is_a_folder_is_an_error(root: Path) -> None:
    (root / NAME / POINTER).mkdir()
    with pytest.raises(BundleError, match="cannot be read"):
        active_version(root, NAME)
    with pytest.raises(BundleError, match="cannot be written"):
        activate(root, NAME, "2")
    assert sorted(p.name for p in (root / NAME).iterdir()) == ["1", "10", "2", POINTER]


@pytest.mark.parametrize("chosen", [None, "2"])
def test_a_deactivated_model_is_active_again_when_it_is_reactivated(root: Path, chosen: str | None) -> None:
    if chosen:
        activate(root, NAME, chosen)
    unload(root, NAME)
    unload(root, NAME)
    assert active_version(root, NAME) is None
    reload(root, NAME)
    reload(root, NAME)
    assert active_version(root, NAME) == (chosen or "10")
    assert (root / NAME / POINTER).exists() == bool(chosen)


def test_a_folder_without_versions_is_not_a_model(root: Path) -> None:
    (root / "empty").mkdir()
    (root / ".staging" / "1").mkdir(parents=True)
    (root / "README").write_text("")
    assert models(root) == [NAME]
    with pytest.raises(BundleError, match="no bundle here"):
        active_version(root, "empty")


def test_a_reader_never_sees_a_partial_pointer(root: Path) -> None:
    """Two writers and a reader at once; the reader would fail on anything but a whole file."""
    activate(root, NAME, "1")
    writers = [
        Thread(target=lambda v=version: [activate(root, NAME, v) for _ in range(100)]) for version in ("1", "10")
    ]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(active_version(root, NAME))
    assert seen <= {"1", "10"} and seen
    assert sorted(p.name for p in (root / NAME).iterdir()) == ["1", "10", "2", POINTER]
