"""Compiles and runs programs in TypeScript, with what npm installed for `tox -e clients`."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BIN = os.environ.get("CLIENTS_BIN")
needs_npm = pytest.mark.skipif(
    not BIN or not (Path(BIN) / "tsc").exists() or not shutil.which("node"),
    reason="TypeScript is not installed by npm (`tox -e clients`)",
)


def run(*command: object, folder: Path) -> str:
    """Run a command and return what it prints; its errors are shown if it fails."""
    done = subprocess.run([str(each) for each in command], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tool(name: str) -> Path:
    """Return the path of a command that npm installed."""
    assert BIN
    return Path(BIN) / name


def compile_and_run(folder: Path, program: Path, *arguments: str) -> dict[str, Any]:
    """Compile a program strictly, run it, and return the object that it prints as JSON.

    Args:
        folder: Folder with the generated client.
        program: The program in TypeScript, which is copied to the folder.
        arguments: Arguments of the program.
    """
    shutil.copy(program, folder)
    assert BIN
    (folder / "node_modules").symlink_to(Path(BIN).parent)
    options = ("--strict", "--skipLibCheck", "--target", "es2022", "--module", "commonjs", "--outDir", "compiled")
    run(tool("tsc"), *options, program.name, folder=folder)
    printed: dict[str, Any] = json.loads(
        run("node", folder / "compiled" / f"{program.stem}.js", *arguments, folder=folder)
    )
    return printed
