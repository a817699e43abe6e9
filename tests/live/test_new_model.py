"""A new model needs a training module, a file in app/domains/ and a folder in models/, and no other change."""

import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Start, environment
from tests.live.wire import request

TOY = Path(__file__).parents[1] / "toy"
KEY_HEADER = ("X-API-Key", KEY)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the program and its models, plus the three parts of the toy model."""
    pytest.importorskip("onnx", reason="the toy model is built with the package onnx")
    for folder in "app", "models", "training":
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOY / "training_toy.py", tmp_path / "training" / "toy.py")
    shutil.copy(TOY / "domain_toy.py", tmp_path / "app" / "domains" / "toy.py")
    train = [sys.executable, "-m", "training", "toy", "models"]
    subprocess.run(train, cwd=tmp_path, env=environment(PYTHONPATH=str(tmp_path)), check=True, capture_output=True)
    return tmp_path


def test_a_new_model_answers_on_its_route(start: Start, checkout: Path) -> None:
    program = start(checkout, API_KEY=KEY, PORT="0", PYTHONPATH=str(checkout), MODEL_URI="models")
    answer = program.send(request("POST", "/toy/add", [KEY_HEADER], b'{"a": 2.5, "b": 4}'))
    assert (answer.status, answer.json) == (200, {"total": 6.5, "model": {"name": "toy", "version": "1"}})
    assert program.send(request("POST", "/toy/add", [], b'{"a": 2.5, "b": 4}')).status == 401
    assert program.send(request("POST", "/toy/add", [KEY_HEADER], b'{"a": "x"}')).status == 422
    other = [KEY_HEADER, ("X-Model-Version", "2")]
    assert program.send(request("POST", "/toy/add", other, b'{"a": 1, "b": 1}')).status == 404
    toy = program.send(request("GET", "/model?name=toy", [KEY_HEADER])).json
    assert toy["description"] == "The sum of two numbers."
    default = program.send(request("GET", "/model", [KEY_HEADER])).json
    assert default["name"] == "beer-ibu", "the default model does not change"
    assert "/toy/add" in program.send(request("GET", "/openapi.json")).json["paths"]
    assert program.send(request("POST", "/predict", [KEY_HEADER], json.dumps(BEER).encode())).status == 200
    command = [sys.executable, "-m", "app", "models", "list"]
    settings = environment(PYTHONPATH=str(checkout), MODEL_URI="models")
    output = subprocess.run(command, cwd=checkout, env=settings, capture_output=True, text=True, check=True).stdout
    assert "toy  1  active  good" in output.splitlines()


def test_a_new_model_changes_no_existing_file(checkout: Path) -> None:
    def extra(compared: "filecmp.dircmp[str]", parent: str) -> list[str]:
        assert not compared.left_only and not compared.diff_files and not compared.funny_files
        below = [x for name, inner in compared.subdirs.items() for x in extra(inner, f"{parent}/{name}")]
        return [f"{parent}/{name}" for name in compared.right_only] + below

    added = [
        path
        for folder in ("app", "models", "training")
        for path in extra(filecmp.dircmp(REPOSITORY / folder, checkout / folder, ignore=["__pycache__"]), folder)
    ]
    assert sorted(added) == ["app/domains/toy.py", "models/toy", "training/toy.py"]
    lines = {path.name: len(path.read_text().splitlines()) for path in TOY.glob("*.py")}
    print(f"lines of code of a new model: {lines}")
