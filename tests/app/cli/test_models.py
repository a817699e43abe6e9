"""The command ``models``, run as a process, as an operator runs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from app.bundle.digests import SHA256SUMS
from app.bundle.pointer import POINTER
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, corrupt_golden_rows
from tests.live.program import environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]
NAME = "beer-ibu"


@pytest.fixture
def root(bundle: Bundle, tmp_path: Path) -> Path:
    """Versions 1 and 2 are good, 3 is not."""
    for version in 1, 2, 3:
        copy_as_version(bundle, tmp_path / "models", version)
    corrupt_golden_rows(tmp_path / "models" / NAME / "3")
    return tmp_path / "models"


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    """Runs a command; it needs no API key."""

    def run(*arguments: str, code: int = 0, **more: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "app", "models", *arguments]
        settings = environment(MODEL_URI=str(root), **more)
        done = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True)
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        return done

    return run


def test_list_prints_versions_the_active_one_and_faults(run: Run, root: Path) -> None:
    (root / NAME / POINTER).write_text("2\n")
    lines = run("list").stdout.splitlines()
    assert lines[:2] == [f"{NAME}  1  -  good", f"{NAME}  2  active  good"]
    assert lines[2].startswith(f"{NAME}  3  -  bad: ") and "golden rows: output ibu" in lines[2]
    (root / NAME / POINTER).write_text("8\n")
    assert "ACTIVE: names version 8, which does not exist" in run("list").stdout.splitlines()[3]


def test_verify_reports_whether_a_version_is_good(run: Run) -> None:
    assert run("verify", NAME, "1").stdout == f"{NAME}  1  good\n"
    assert "golden rows: output ibu" in run("verify", NAME, "3", code=3).stderr
    assert "golden rows: output ibu" in run("verify", NAME, code=3).stderr


def test_activate_and_rollback_move_the_pointer(run: Run, root: Path) -> None:
    assert run("activate", NAME, "1").stdout == f"{NAME}  1  active\n"
    assert run("activate", NAME, "2").stdout == f"{NAME}  2  active\n"
    assert (root / NAME / POINTER).read_text() == "2\n1\n3\nnone\n"
    assert run("rollback", NAME).stdout == f"{NAME}  1  active\n"
    assert run("verify", NAME).stdout == f"{NAME}  1  good\n"


def test_a_bad_version_is_not_activated(run: Run, root: Path) -> None:
    assert "golden rows: output ibu" in run("activate", NAME, "3", code=3).stderr
    assert not (root / NAME / POINTER).exists()


def test_activating_a_version_that_a_baseline_beats_gives_a_warning(run: Run, bundle: Bundle, root: Path) -> None:
    gaps = {"median": {"mae_difference": -4.0, "low": -6.0, "high": -2.0}, "linear": {"low": 0.5, "high": 4.0}, "x": 1}
    values = {**bundle.manifest.metrics.values, "paired": gaps}
    metrics = bundle.manifest.metrics.model_copy(update={"values": values})
    copy_as_version(replace(bundle, manifest=bundle.manifest.model_copy(update={"metrics": metrics})), root, 4)
    done = run("activate", NAME, "4")
    assert done.stdout == f"{NAME}  4  active\n"
    assert done.stderr.count("WARNING: ") == 1
    assert f"WARNING: {NAME} 4 is worse than the baseline linear, by its own manifest" in done.stderr


@pytest.mark.parametrize("name", ["wine", "..", "../models/beer-ibu", "", "."])
def test_an_unknown_model_is_an_error(run: Run, name: str) -> None:
    for arguments in ("verify", name), ("activate", name, "1"), ("rollback", name):
        assert ": no model " in run(*arguments, code=3).stderr


def test_an_unknown_version_is_an_error(run: Run) -> None:
    for version in "9", "../1", "01":
        assert f"no version {version}" in run("activate", NAME, version, code=3).stderr
        assert f"no version {version}" in run("verify", NAME, version, code=3).stderr


def test_a_missing_subcommand_prints_the_usage(run: Run) -> None:
    assert "usage: python -m app models" in run(code=2).stderr


def test_model_sha256_applies_to_every_command(run: Run, root: Path) -> None:
    """Only version 1 is approved."""
    approved = {"MODEL_SHA256": sha256((root / NAME / "1" / SHA256SUMS).read_bytes()).hexdigest()}
    lines = run("list", **approved).stdout.splitlines()
    assert lines[0] == f"{NAME}  1  -  good"
    assert lines[1].startswith(f"{NAME}  2  -  bad: ") and "not an approved bundle" in lines[1]
    for command in ("verify", NAME, "2"), ("activate", NAME, "2"):
        assert "not an approved bundle" in run(*command, code=3, **approved).stderr
    assert not (root / NAME / POINTER).exists()
    run("activate", NAME, "1", **approved)
    (root / NAME / POINTER).write_text("1\n2\n")
    assert "not an approved bundle" in run("rollback", NAME, code=3, **approved).stderr
    assert (root / NAME / POINTER).read_text() == "1\n2\n"


def test_list_goes_on_after_a_model_that_cannot_be_listed(run: Run, root: Path) -> None:
    """A folder with too many entries, a pointer that is a pipe, and a name that is not UTF-8."""
    (root / "crowded").mkdir()
    for number in range(1, 1002):
        (root / "crowded" / str(number)).touch()
    os.mkfifo(root / NAME / POINTER)
    os.mkdir(os.fsencode(root) + b"/\xff")
    lines = run("list").stdout.splitlines()
    assert lines[0].startswith(f"{NAME}  1  -  good")
    assert any(line.startswith(f"{NAME}  -  -  bad: ") and "not a regular file" in line for line in lines)
    assert any(line.startswith("crowded  -  -  bad: ") and "more than 1000 entries" in line for line in lines)
