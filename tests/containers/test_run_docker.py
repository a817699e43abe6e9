"""run_docker.sh: the files it creates, the container it runs, and the containers it leaves alone."""

import json
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.committed import VERSIONS
from tests.containers.engine import engine, inspect, log, script, wait_for
from tests.known import BEER, REPOSITORY

Run = Callable[..., subprocess.CompletedProcess[str]]
NAME = "beer-model-check"
OTHER = "beer-model-check-other"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The script and its input files, in a folder whose name has a space."""
    copy = tmp_path / "a checkout"
    copy.mkdir()
    for name in ("run_docker.sh", ".env.example"):
        shutil.copy(REPOSITORY / name, copy)
    return copy


@pytest.fixture
def run(image: str, folder: Path, tmp_path: Path) -> Iterator[Run]:
    """Run the script from another working directory; its containers are removed at the end."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return script("run_docker.sh", "--port", "0", "--name", NAME, *arguments, image, cwd=tmp_path, folder=folder)

    engine("rm", "--force", NAME, OTHER, check=False)
    yield run
    engine("rm", "--force", NAME, OTHER, check=False)


def _address(completed: subprocess.CompletedProcess[str]) -> str:
    match = re.search(r"http://127\.0\.0\.1:\d+", completed.stdout)
    assert completed.returncode == 0 and match, completed.stdout + completed.stderr
    return match[0]


def test_a_missing_env_file_is_created_and_the_printed_command_works(run: Run, folder: Path) -> None:
    completed = run()
    env = folder / ".env"
    assert env.stat().st_mode & 0o777 == 0o600 and re.search(r"^API_KEY=[\w-]{43}$", env.read_text(), re.MULTILINE)
    assert [path.name for path in folder.glob(".env.*")] == [".env.example"]
    line = completed.stdout.split("or try:\n")[1]
    answered = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True)
    assert json.loads(answered.stdout)["ibu"] == pytest.approx(48, abs=20), answered.stderr
    wait_for("healthy", lambda: inspect("container", NAME)["State"]["Health"]["Status"] == "healthy")
    engine("stop", NAME)
    assert inspect("container", NAME)["State"]["ExitCode"] == 0
    assert "Shutting down" in log(NAME)


def test_the_container_runs_with_minimal_privileges(run: Run, folder: Path) -> None:
    (folder / ".env").write_text("API_KEY=a-key-for-the-tests-1234567890\nHOST=127.0.0.1\nPORT=9\nWORKERS=2\n")
    address = _address(run("--memory", "600m"))
    host = inspect("container", NAME)["HostConfig"]
    assert host["ReadonlyRootfs"] and host["Memory"] == 600 * 1024**2
    assert "no-new-privileges" in host["SecurityOpt"] and host["PidsLimit"] == 256
    assert host["MemorySwap"] == host["Memory"]
    status = engine("exec", NAME, "cat", "/proc/1/status")
    assert re.search(r"^Uid:\s+10001\s", status, re.MULTILINE)
    assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd|Amb):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    headers = {"X-API-Key": "a-key-for-the-tests-1234567890", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{address}/predict", json.dumps(BEER).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_a_second_run_replaces_only_its_own_container(run: Run, image: str) -> None:
    _address(run())
    first = inspect("container", NAME)["Id"]
    engine("run", "--detach", "--name", OTHER, "--env", "API_KEY=" + 20 * "k", image)
    _address(run())
    assert inspect("container", NAME)["Id"] != first
    assert inspect("container", OTHER)["State"]["Running"]


def test_a_foreign_container_of_the_same_name_is_left_alone(run: Run, image: str) -> None:
    other = engine("create", "--name", NAME, image)
    completed = run()
    assert completed.returncode == 2 and "did not make" in completed.stderr
    assert inspect("container", NAME)["Id"] == other


def test_a_failed_start_is_reported_with_the_end_of_the_log(run: Run, folder: Path) -> None:
    (folder / ".env").write_text("API_KEY=too-short\n")
    completed = run()
    assert completed.returncode == 1 and "API_KEY has fewer than 16 characters" in completed.stderr
    assert "too-short" not in completed.stderr + completed.stdout


def test_a_taken_port_is_reported_and_leaves_no_container(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        completed = run("--port", str(taken.getsockname()[1]))
    assert completed.returncode == 1 and "--port" in completed.stderr
    assert NAME not in engine("ps", "--all", "--format", "{{.Names}}").split()


def test_quotes_in_the_env_file_are_reported_before_anything_runs(run: Run, folder: Path) -> None:
    (folder / ".env").write_text("API_KEY='a-key-for-the-tests-1234567890'\n")
    completed = run()
    assert completed.returncode == 2 and completed.stderr.strip().endswith("API_KEY")


def test_changes_in_a_mounted_model_folder_are_applied(run: Run, folder: Path, models: Path) -> None:
    own = folder / "own models"
    shutil.copytree(models, own)
    address = _address(run("--models", str(own)))
    shutil.copytree(own / "beer-ibu" / VERSIONS["beer-ibu"], own / "beer-ibu" / "9")
    wait_for("the broken candidate is rejected", lambda: "beer-ibu 9" in log(NAME) or "beer-ibu/9" in log(NAME))
    with urllib.request.urlopen(f"{address}/health/ready") as answer:
        assert answer.status == 200


def test_unknown_options_are_reported(tmp_path: Path) -> None:
    assert "Usage: run_docker.sh" in script("run_docker.sh", "--help", cwd=tmp_path).stdout
    completed = script("run_docker.sh", "--prot", "80", cwd=tmp_path)
    assert completed.returncode == 2 and "unknown option --prot" in completed.stderr
