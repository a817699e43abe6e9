"""The commands that try a version: shadow, canary, promote and stop. Only the start of a process is left out."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.bundle.pointer import POINTER
from app.bundle.rollout import ROLLOUT, RolloutSpec, new_id, read_rollout, stop_rollout, write_rollout
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, corrupt_golden_rows
from tests.commands import Print, printer

NAME = "beer-ibu"


@pytest.fixture(scope="module")
def versions(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 are good, 3 is not."""
    root = tmp_path_factory.mktemp("models")
    for version in 1, 2, 3:
        copy_as_version(bundle, root, version)
    corrupt_golden_rows(root / NAME / "3")
    return root / NAME


@pytest.fixture
def root(versions: Path, tmp_path: Path) -> Path:
    """A folder with these versions, of which 1 is active."""
    (tmp_path / NAME).mkdir()
    for version in versions.iterdir():
        (tmp_path / NAME / version.name).symlink_to(version)
    (tmp_path / NAME / POINTER).write_text("1\n")
    return tmp_path


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Print:
    """Runs a command; returns what it prints, or its error."""
    monkeypatch.setenv("MODEL_URI", str(root))

    return printer("models", monkeypatch, capfd)


def test_shadow_then_canary_then_promote(run: Print, root: Path) -> None:
    assert run("shadow", NAME, "2", "--max-difference", "5") == f"{NAME}  2  shadow, share 0.1\n"
    options = "--share", "0.25", "--sticky", "header:x-user", "--max-latency", "0.01"
    assert run("canary", NAME, "2", *options) == f"{NAME}  2  canary, share 0.25 by header x-user\n"
    spec = read_rollout(root, NAME)
    assert spec is not None and (spec.max_latency, spec.max_difference, spec.max_errors) == (0.01, None, 0)
    assert run("list").splitlines()[1] == f"{NAME}  2  canary  good  canary, share 0.25 by header x-user"
    assert run("promote", NAME) == f"{NAME}  2  active\n"
    assert (root / NAME / POINTER).read_text() == "2\n1\nnone\n" and read_rollout(root, NAME) is None


def test_what_the_guard_stopped_is_not_promoted_until_it_is_tried_again(run: Print, root: Path) -> None:
    run("canary", NAME, "2")
    spec = read_rollout(root, NAME)
    assert spec is not None
    stop_rollout(root, NAME, spec.id, "1 of 3 runs failed; at most 0")
    assert f"{NAME}  2  stopped  good  canary, share 0.05, stopped: 1 of 3 runs failed; at most 0" in run("list")
    assert "version 2 was stopped: 1 of 3 runs failed" in run("promote", NAME, code=3)
    assert run("stop", NAME) == f"{NAME}  2  -\n"
    assert "no version is tried" in run("stop", NAME, code=3)
    assert "no version is tried" in run("promote", NAME, code=3)


def test_activate_ends_the_rollout_of_its_version(run: Print, root: Path) -> None:
    run("canary", NAME, "2")
    run("activate", NAME, "2")
    assert read_rollout(root, NAME) is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("canary", NAME, "3"), "golden rows: output ibu"),
        (("shadow", NAME, "1"), "version 1 is active already"),
        (("canary", NAME, "9"), "no version 9"),
        (("canary", NAME, "2", "--share", "1.5"), "--share: must be above 0 and at most 1"),
        (("canary", NAME, "2", "--sticky", "cookie"), "--sticky: must be key or header:NAME"),
        (("shadow", NAME, "2", "--max-latency", "-1"), "--max-latency: must be above 0"),
        (("canary", NAME, "2", "--share", "0"), "--share: must be above 0 and at most 1"),
        (("canary", NAME, "2", "--share", "nan"), "--share: must be above 0 and at most 1"),
        (("canary", NAME, "2", "--max-difference", "inf"), "--max-difference: must be above 0"),
        (("canary", "beer", "2"), "no model beer"),
        (("shadow", NAME, "2", "--window", "0"), "--window: must be 1 to 10000"),
        (("shadow", NAME, "2", "--max-errors", "-1"), "--max-errors: must be at least 0"),
    ],
)
def test_what_cannot_be_tried_is_refused(run: Print, root: Path, arguments: tuple[str, ...], reason: str) -> None:
    assert reason in run(*arguments, code=3)
    assert read_rollout(root, NAME) is None


def test_stop_removes_a_file_that_cannot_be_read(run: Print, root: Path) -> None:
    (root / NAME / ROLLOUT).write_text("canary 2")
    assert f"{NAME}  -  -  bad: " in run("list")
    assert "the file: Invalid JSON" in run("promote", NAME, code=3)
    assert f"{NAME}  -  -  removed: " in run("stop", NAME)
    assert not (root / NAME / ROLLOUT).exists()


def test_a_version_that_no_longer_verifies_is_not_promoted(run: Print, root: Path) -> None:
    run("canary", NAME, "2")
    (root / NAME / "2").unlink()
    (root / NAME / "2").symlink_to(root / NAME / "3")
    assert "promote" not in run("promote", NAME, code=3)
    assert (root / NAME / POINTER).read_text() == "1\n" and read_rollout(root, NAME) is not None


def test_after_a_promotion_rollback_goes_back(run: Print, root: Path) -> None:
    run("canary", NAME, "2")
    run("promote", NAME)
    assert run("rollback", NAME) == f"{NAME}  1  active\n"
    assert (root / NAME / POINTER).read_text() == "1\nnone\n" and read_rollout(root, NAME) is None


def test_commands_at_once_leave_one_of_them(root: Path) -> None:
    shares = [0.1, 0.2, 0.3, 0.4]

    def write(share: float) -> None:
        for _ in range(25):
            write_rollout(root, NAME, RolloutSpec(id=new_id(), mode="canary", version="2", share=share))
            present = read_rollout(root, NAME)
            assert present is not None and present.share in shares

    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(write, shares))
    assert sorted(path.name for path in (root / NAME).iterdir()) == ["1", "2", "3", POINTER, ROLLOUT]


def test_a_rollout_whose_version_is_gone_is_listed(run: Print, root: Path) -> None:
    run("canary", NAME, "2")
    (root / NAME / "2").unlink()
    assert f"{NAME}  2  canary  missing  canary, share 0.05\n" in run("list")
    assert "no version 2" in run("promote", NAME, code=3)
    assert run("stop", NAME) == f"{NAME}  2  -\n"
