"""Which files the command's arguments name."""

import os
from pathlib import Path

import pytest

from app.errors import ScoringError
from app.scoring.sources import find_sources


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with files at several depths."""
    for name in ("a.csv", "b.json", "x/c.csv", "x/y/d.csv", "_x/e.csv", "x/.f.csv", "x/g[1].csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("abv\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*paths: str, output: str = "") -> list[str]:
    return [source.name for source in find_sources(paths, "", output)]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("*.csv", ["a.csv"]),
        ("**/*.csv", ["a.csv", "x/c.csv", "x/g[1].csv", "x/y/d.csv"]),
        ("x/**", ["x/c.csv", "x/g[1].csv", "x/y/d.csv"]),
        ("x/*.csv", ["x/c.csv", "x/g[1].csv"]),
        ("x/*/*", ["x/y/d.csv"]),
        ("[ab].*", ["a.csv", "b.json"]),
        ("x/g[1].csv", ["x/g[1].csv"]),
        ("_x/*.csv", ["_x/e.csv"]),
        ("_x", ["_x/e.csv"]),
        ("x/.f.csv", ["x/.f.csv"]),
        (".", ["a.csv", "b.json", "x/c.csv", "x/g[1].csv", "x/y/d.csv"]),
    ],
)
def test_files_folders_and_patterns(path: str, names: list[str], folder: Path) -> None:
    assert found(path) == names
    assert found(str(folder / path)) == [str(folder / name) for name in names]


def test_a_file_counts_once_whatever_its_names(folder: Path) -> None:
    (folder / "link.csv").symlink_to("a.csv")
    assert found("a.csv", "./a.csv", "x/../a.csv", str(folder / "a.csv"), "link.csv", "*.csv") == ["a.csv"]


def test_links_that_lead_in_circles_are_not_followed(folder: Path) -> None:
    for name in "one", "two":
        (folder / "x" / name).symlink_to("..")
    (folder / "x" / "nowhere.csv").symlink_to("no such file")
    assert found("**/*.csv") == found(".")[:1] + found("x")


def test_what_is_no_file_is_refused_and_left_out_of_folders(folder: Path) -> None:
    os.mkfifo(folder / "x" / "pipe.csv")
    assert "x/pipe.csv" not in found("x")
    for name in "x/pipe.csv", "/dev/zero", "":
        with pytest.raises(ScoringError, match="is not a file"):
            found(name)


def test_a_name_that_no_manifest_can_have_is_named(folder: Path) -> None:
    try:
        Path(os.fsdecode(b"x/bad\xff.csv")).touch()
    except OSError:
        pytest.skip("file names of this system are UTF-8")
    with pytest.raises(ScoringError, match=r"'x/bad\\udcff.csv': the name is not UTF-8"):
        found("x")


def test_a_folder_that_cannot_be_listed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def denied(path: str) -> object:  # root may list every folder
        if str(path).endswith("y"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    with pytest.raises(ScoringError, match="x/y: cannot be read: Permission denied"):
        found("x")
    assert found("x/*.csv") == ["x/c.csv", "x/g[1].csv"]


def test_only_the_files_of_runs_are_no_sources_in_the_folder_of_the_output(folder: Path) -> None:
    for name in ("predictions/p.csv", "errors/e.jsonl", "manifest.json", "_receipts/r.json"):
        (folder / "x" / name).parent.mkdir(exist_ok=True)
        (folder / "x" / name).write_text("{}")
    assert found("x", output="x") == ["x/c.csv", "x/g[1].csv", "x/y/d.csv"]
    assert found("x/predictions") == ["x/predictions/p.csv"]
    with pytest.raises(ScoringError, match="x/predictions: there is no file"):
        found("x/predictions", output=str(folder / "x"))
