"""Reading files that anyone may have placed: only regular ones, within their limits, without hanging."""

import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bundle import digests
from app.bundle.files import MAX_ENTRIES, MAX_FILES, read_file
from app.bundle.pointer import POINTER, active_version
from app.bundle.store import Bundle, read_bundle, versions
from app.errors import BundleError
from tests.bundles import copy_bundle, write_digests


def place_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


SPECIAL: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "socket": place_socket,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("follow", [False, True])
def test_what_is_no_regular_file_is_rejected_at_once(tmp_path: Path, kind: str, follow: bool) -> None:
    SPECIAL[kind](tmp_path / "file")
    started = time.monotonic()
    with pytest.raises(OSError, match="not a regular file|symbolic links"):
        read_file(tmp_path / "file", 100, follow)
    assert time.monotonic() - started < 1


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"x" * 100)
    link.symlink_to("file")
    assert read_file(file, 100) == read_file(link, 100, follow=True) == b"x" * 100
    with pytest.raises(OSError, match="larger than 99 bytes"):
        read_file(file, 99)
    with pytest.raises(OSError, match="not a regular file"):
        read_file(link, 100)


def test_a_file_whose_size_is_not_that_of_its_contents_is_rejected() -> None:
    with pytest.raises(OSError, match="it changes while it is read"):
        read_file(Path("/proc/self/status"), 1000)  # has size 0


def test_folders_that_are_links_are_read_and_files_that_are_links_are_not(bundle: Bundle, tmp_path: Path) -> None:
    real = copy_bundle(bundle, tmp_path / "real")
    name, version = bundle.manifest.name, bundle.manifest.version
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / name).symlink_to(real.parent)
    assert read_bundle(tmp_path / "models" / name / version).digest == bundle.digest
    (tmp_path / "others" / name).mkdir(parents=True)
    (tmp_path / "others" / name / version).symlink_to(real)
    assert read_bundle(tmp_path / "others" / name / version).digest == bundle.digest
    assert versions(tmp_path / "others", name) == [version]
    (real / "model.onnx").rename(tmp_path / "moved")
    (real / "model.onnx").symlink_to(tmp_path / "moved")
    with pytest.raises(BundleError, match=r"model\.onnx cannot be read: not a regular file"):
        read_bundle(real)


def test_the_number_of_files_is_bounded(bundle: Bundle, tmp_path: Path) -> None:
    folder = copy_bundle(bundle, tmp_path)
    for number in range(MAX_FILES - len(bundle.files)):
        (folder / f"file{number}").touch()
    write_digests(folder)
    read_bundle(folder)
    (folder / "another").touch()
    write_digests(folder)
    with pytest.raises(BundleError, match="more than 32 files"):
        read_bundle(folder)


def test_the_size_of_all_files_together_is_bounded(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(map(len, bundle.files.values()))
    monkeypatch.setattr(digests, "MAX_BUNDLE_BYTES", size)
    folder = copy_bundle(bundle, tmp_path)
    read_bundle(folder)
    (folder / "zero").write_bytes(b"0")
    write_digests(folder)
    with pytest.raises(BundleError, match="zero cannot be read: larger than 0 bytes"):
        read_bundle(folder)


def test_a_pointer_is_followed_among_too_many_versions(tmp_path: Path) -> None:
    for number in range(MAX_ENTRIES + 1):
        (tmp_path / "beer" / str(1 + number)).mkdir(parents=True)
    with pytest.raises(BundleError, match="more than 1000 entries"):
        active_version(tmp_path, "beer")
    (tmp_path / "beer" / POINTER).write_text("77\n")
    assert active_version(tmp_path, "beer") == "77"
    shutil.rmtree(tmp_path / "beer" / "77")
    (tmp_path / "beer" / POINTER).write_text("none\n")
    assert active_version(tmp_path, "beer") is None
