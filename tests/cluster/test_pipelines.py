"""The pipelines: the commands they call exist, and their files contain no logic."""

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.known import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def _jobs(path: Path) -> dict[str, dict[str, Any]]:
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return jobs


@workflows
def test_jobs_have_minimal_permissions(path: Path) -> None:
    text = yaml.safe_load(path.read_text("utf-8"))
    assert text["permissions"] == {} and text["concurrency"]
    for job in _jobs(path).values():
        assert job["permissions"]["contents"] in ("read", "write") and job["timeout-minutes"] <= 60


@workflows
def test_every_step_is_one_command_that_exists(path: Path) -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(REPOSITORY / "tox.ini")
    for job in _jobs(path).values():
        for step in (step for step in job["steps"] if "run" in step):
            assert "\n" not in step["run"].strip() and not re.search(r"&&|;|\|", step["run"]), step
            program = step["run"].split()[0]
            assert program in ("pip", "tox", "docker", "gh") or (REPOSITORY / program).is_file(), step
        for environment in job.get("strategy", {}).get("matrix", {}).get("environment", []):
            assert f"testenv:{environment}" in tox, environment


def test_a_release_whose_tag_is_not_the_version_is_rejected() -> None:
    completed = subprocess.run(
        [str(REPOSITORY / "scripts" / "release_files.sh"), "v99.0.0"], capture_output=True, text=True
    )
    assert completed.returncode == 2 and "the tag is v99.0.0" in completed.stderr
