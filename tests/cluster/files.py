"""The Kubernetes files as kustomize renders them."""

import os
import shutil
import subprocess
from functools import cache
from typing import Any

import yaml

from tests.known import REPOSITORY

FOLDER = REPOSITORY / "deploy" / "kubernetes"
KUSTOMIZE = shutil.which(os.environ.get("KUSTOMIZE") or "kustomize")
Resources = dict[str, dict[str, Any]]


@cache
def render(folder: str) -> str:
    """The output of kustomize for a folder under deploy/kubernetes."""
    done = subprocess.run([str(KUSTOMIZE), "build", str(FOLDER / folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def documents(folder: str) -> list[dict[str, Any]]:
    """The resources of a folder."""
    return list(yaml.safe_load_all(render(folder)))


def policies(folder: str) -> list[dict[str, Any]]:
    """The network policies of a folder."""
    return [resource for resource in documents(folder) if resource["kind"] == "NetworkPolicy"]


def read(folder: str) -> Resources:
    """The other resources of a folder, by kind; each kind occurs once."""
    others = [resource for resource in documents(folder) if resource["kind"] != "NetworkPolicy"]
    kinds: Resources = {resource["kind"]: resource for resource in others}
    assert len(kinds) == len(others)
    return kinds
