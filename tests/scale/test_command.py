"""The command `score`: what it says, and its exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.program import environment
from tests.scale.jobs import manifest

TABLE = "abv,target_og,target_fg\n5.5,1050,1010\n71,1050,1010\n"


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "app", "score", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    (folder / "beers.csv").write_text(TABLE)
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


def test_it_says_what_was_answered_and_what_is_invalid(folder: Path) -> None:
    assert run(folder, "beers.csv", "--out", "out") == (
        0,
        "1 of 2 rows answered.\n1 rows are invalid: out/errors\n",
    )
    assert run(folder, "beers.csv", "--out", "out") == (
        0,
        "Nothing new: 1 of 2 rows answered before.\n1 rows are invalid: out/errors\n",
    )
    code, output = run(folder, "beers.csv", "picture.png", "--out", "out")
    assert code == 1
    assert output.endswith("1 files could not be read: out/errors\n")
    assert manifest(folder / "out")["counts"]["sources"] == 2


def test_what_cannot_be_done_is_named_without_a_traceback(folder: Path) -> None:
    (folder / "file").touch()
    for arguments, said in (
        (("no.csv", "--out", "x"), "no.csv: cannot be read: No such file"),
        (("*.jsonl", "--out", "x"), "*.jsonl: there is no file"),
        (("beers.csv", "--out", "file"), "file: cannot be written"),
        (("beers.csv", "--out", "x", "--model", "ale"), "there is no model 'ale'"),
        (("s3://", "--out", "x"), "s3://: names no bucket"),
    ):
        code, output = run(folder, *arguments)
        assert code == 2 and said in output and "Traceback" not in output, output
