"""The command `score`: what it says, and its exit codes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.program import PATIENCE, environment
from tests.scale.jobs import contents, manifest

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


def test_a_process_that_is_killed_is_continued_with_the_same_bytes(tmp_path: Path) -> None:
    rows = "".join(f"{4 + n % 50 / 10},{1040 + n % 30},{1010 + n % 7},Magnum,{n % 90},60\n" for n in range(12_000))
    (tmp_path / "beers.csv").write_text(f"abv,target_og,target_fg,hop1_name,hop1_amount_g,hop1_boil_minutes\n{rows}")
    small = "from app.scoring import plan; plan.PART_BYTES = plan.BLOCK_BYTES = 60_000"
    command = [sys.executable, "-c", f"{small}; from app.cli.main import main; main()", "score", "beers.csv", "--out"]
    assert subprocess.run([*command, "whole"], cwd=tmp_path, env=environment(), timeout=120).returncode == 0
    killed = subprocess.Popen([*command, "out"], cwd=tmp_path, env=environment())
    end = time.monotonic() + PATIENCE
    while len(list(tmp_path.glob("out/_receipts/beers*"))) < 2:
        assert time.monotonic() < end and killed.poll() is None
        time.sleep(0.005)
    killed.kill()
    killed.wait()
    done = len(list(tmp_path.glob("out/_receipts/beers*")))
    assert not (tmp_path / "out" / "manifest.json").exists()
    again = subprocess.run([*command, "out"], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert f"{done} parts of them before" in again.stdout
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
