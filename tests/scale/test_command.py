"""The command `score`: what it says, and its exit codes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.scoring.lock import locked
from app.scoring.output import Output
from tests.live.program import PATIENCE, environment
from tests.scale.jobs import contents, manifest

TABLE = "abv,target_og,target_fg\n5.5,1050,1010\n71,1050,1010\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command")
    (folder / "beers.csv").write_text(TABLE)
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "file").touch()
    return folder


@pytest.fixture
def run(
    folder: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Runs the command in this process and returns its exit code and what it said."""
    from app.cli.main import main

    monkeypatch.chdir(folder)
    monkeypatch.setenv("MODEL_URI", str(models))
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["app", "score", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_it_says_what_was_answered_and_what_is_invalid(folder: Path, run: Callable[..., tuple[int, str]]) -> None:
    answered, invalid = "1 of 2 rows answered", "1 invalid row: out/errors\n"
    assert run("beers.csv", "--out", "out") == (0, f"{answered}.\n{invalid}")
    assert run("beers.csv", "--out", "out/") == (0, f"Nothing new: {answered} before.\n{invalid}")
    code, output = run("beers.csv", "picture.png", "--out", "out")
    assert (code, output) == (1, f"{answered}.\n{invalid}1 unreadable file: out/errors\n")
    assert manifest(folder / "out")["counts"]["sources"] == 2


def test_one_run_at_a_time_writes_to_a_folder(folder: Path, run: Callable[..., tuple[int, str]]) -> None:
    with locked(Output(str(folder / "busy"))):
        assert run("beers.csv", "--out", "busy") == (2, "score: busy: another run is writing there\n")
    assert run("beers.csv", "--out", "busy")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no.csv", "--out", "x"), "score: no.csv: cannot be read: No such file or directory\n"),
        (("*.jsonl", "--out", "x"), "score: *.jsonl: there is no file\n"),
        (("beers.csv", "--out", "file"), "score: file: cannot be written: File exists\n"),
        (("beers.csv", "--out", ""), "score: --out: names no folder\n"),
        (("beers.csv", "--out", "x", "--version", "9"), "score: --version: beer-ibu has no version 9\n"),
        (("beers.csv", "--out", "x", "--workers", "many"), "argument --workers: must be 1 to 1024\n"),
        (("s3://", "--out", "x"), "score: s3://: names no bucket\n"),
        (("beers.csv", "--out", "x", "--model", "ale"), "score: --model: there is no model 'ale'"),
    ],
)
def test_what_cannot_be_done_is_named_without_a_traceback(
    arguments: tuple[str, ...], said: str, run: Callable[..., tuple[int, str]]
) -> None:
    code, output = run(*arguments)
    assert code == 2 and said in output and "Traceback" not in output, output


def test_a_package_that_is_missing_is_named(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "app.scoring.cluster", raising=False)
    code, output = run("beers.csv", "--out", "x", "--workers", "2")
    assert code == 2
    assert output == "score: needs distributed, which the service does not: pip install -r requirements/scale.txt\n"


def test_a_process_that_is_stopped_is_continued_with_the_same_bytes(tmp_path: Path) -> None:
    rows = "".join(f"{4 + n % 50 / 10},{1040 + n % 30},{1010 + n % 7},Magnum,{n % 90},60\n" for n in range(12_000))
    (tmp_path / "beers.csv").write_text(f"abv,target_og,target_fg,hop1_name,hop1_amount_g,hop1_boil_minutes\n{rows}")
    small = "from app.scoring import plan; plan.PART_BYTES = plan.BLOCK_BYTES = 12_000"
    command = [sys.executable, "-c", f"{small}; from app.cli.main import main; main()", "score", "beers.csv", "--out"]
    whole = subprocess.Popen([*command, "whole"], cwd=tmp_path, env=environment())
    out = tmp_path / "out"
    for number, said in (
        (signal.SIGKILL, ""),
        (signal.SIGTERM, "score: stopped by SIGTERM; run the same command to continue\n"),
        (signal.SIGINT, "score: stopped by SIGINT; run the same command to continue\n"),
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
