"""serverless.yml as CloudFormation, made by osls without an account."""

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.known import REPOSITORY


def package(osls: str, folder: Path, *options: str) -> Path:
    """Package the service, with an empty artifact, into ``packaged`` in a folder; return the folder.

    Args:
        osls: The command.
        folder: An empty folder.
        options: Further options of the command, such as parameters.
    """
    shutil.copy(REPOSITORY / "serverless.yml", folder)
    (folder / "dist").mkdir()
    with zipfile.ZipFile(folder / "dist/function-arm64.zip", "w") as archive:
        archive.writestr("app.py", "")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "API_KEY"))}
    command = [osls, "package", "--package", "packaged", *options]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deprecat" not in (done.stdout + done.stderr).lower()
    return folder


def template(packaged: Path, which: str = "update") -> dict[str, Any]:
    """Return the template of a packaged service: ``create`` has the bucket for artifacts alone, ``update`` all."""
    text = (packaged / f"packaged/cloudformation-template-{which}-stack.json").read_text()
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def of_type(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Return the properties of the resources of a type, by name."""
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def permissions(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by role and action the resources on which it is allowed."""
    return {
        name: {
            action: statement["Resource"]
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        for name, role in of_type(resources, "AWS::IAM::Role").items()
    }
