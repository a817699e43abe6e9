"""The command `score`: what it says, and its exit codes."""

import signal
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
        "1 of 2 rows answered.\n1 invalid row: out/errors\n",
    )
    assert run(folder, "beers.csv", "--out", "out") == (
        0,
        "Nothing new: 1 of 2 rows answered before.\n1 invalid row: out/errors\n",
    )
    code, output = run(folder, "beers.csv", "picture.png", "--out", "out")
    assert code == 1
    assert output == "1 of 2 rows answered.\n1 invalid row: out/errors\n1 unreadable file: out/errors\n"
    assert manifest(folder / "out")["counts"]["sources"] == 2


def test_what_cannot_be_done_is_named_without_a_traceback(
    folder: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.cli.main import main

    (folder / "file").touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MODEL_URI", str(models))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    for arguments, said in (
        (("no.csv", "--out", "x"), "score: no.csv: cannot be read: No such file"),
        (("*.jsonl", "--out", "x"), "score: *.jsonl: there is no file"),
        (("beers.csv", "--out", "file"), "score: file: cannot be written"),
        (("beers.csv", "--out", ""), "score: --out: names no folder"),
        (("beers.csv", "--out", "x", "--model", "ale"), "score: --model: there is no model 'ale'"),
        (("beers.csv", "--out", "x", "--version", "9"), "score: --version: beer-ibu has no version 9"),
        (("beers.csv", "--out", "x", "--workers", "many"), "argument --workers: must be 1 to 1024"),
        (("s3://", "--out", "x"), "score: s3://: names no bucket"),
    ):
        monkeypatch.setattr(sys, "argv", ["app", "score", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert stopped.value.code == 2
        assert said in capsys.readouterr().err


def test_a_process_that_is_stopped_is_continued_with_the_same_bytes(tmp_path: Path) -> None:
    rows = "".join(f"{4 + n % 50 / 10},{1040 + n % 30},{1010 + n % 7},Magnum,{n % 90},60\n" for n in range(8_000))
    (tmp_path / "beers.csv").write_text(f"abv,target_og,target_fg,hop1_name,hop1_amount_g,hop1_boil_minutes\n{rows}")
    small = "from app.scoring import plan; plan.PART_BYTES = plan.BLOCK_BYTES = 12_000"
    command = [sys.executable, "-c", f"{small}; from app.cli.main import main; main()", "score", "beers.csv", "--out"]
    whole = subprocess.Popen([*command, "whole"], cwd=tmp_path, env=environment())
    out = tmp_path / "out"
    for number, said in (
        (signal.SIGKILL, ""),
        (signal.SIGTERM, "score: stopped by SIGTERM; the same command goes on from here\n"),
        (signal.SIGINT, "score: stopped by SIGINT; the same command goes on from here\n"),
    ):
        before = len(list(out.glob("_receipts/beers*")))
        process = subprocess.Popen(
            [*command, "out"], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
        )
        end = time.monotonic() + PATIENCE
        while len(list(out.glob("_receipts/beers*"))) < before + 2:
            assert time.monotonic() < end and process.poll() is None
            time.sleep(0.005)
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE)[1] == said
        assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
        assert not (out / "manifest.json").exists()
    done = len(list(out.glob("_receipts/beers*")))
    again = subprocess.run([*command, "out"], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert f"{done} parts of them before" in again.stdout
    assert whole.wait(PATIENCE) == 0
    assert contents(out) == contents(tmp_path / "whole")
