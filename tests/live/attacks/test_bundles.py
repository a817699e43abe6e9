"""Attacks by whoever can write to the models' folder, in 512 MB: the program goes on, and gives nothing out."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from app.bundle.manifest import MANIFEST, MODEL
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, write_digests
from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.traffic import BODY
from tests.live.wire import request
from tests.memory_limit import LIMIT, MemoryLimit

NAME = "beer-ibu"
KEY_HEADER = ("X-API-Key", KEY)


@pytest.fixture
def root(bundle: Bundle, models: Path, tmp_path: Path) -> Path:
    """The committed bundles, with only version 1 of the beer model."""
    root = tmp_path / "models"
    shutil.copytree(models, root)
    shutil.rmtree(root / NAME)
    copy_as_version(bundle, root, 1)
    return root


@pytest.fixture
def memory() -> Iterator[MemoryLimit]:
    """A limit of 512 MB. Afterwards nothing was killed, and the peak was below the limit."""
    with MemoryLimit() as memory:
        yield memory
        print(f"peak memory: {memory.peak / 1e6:.0f} MB")
        assert not memory.killed and memory.peak < LIMIT


@pytest.fixture
def serve(memory: MemoryLimit, start: Start, root: Path) -> Iterator[Callable[..., Program]]:
    """Starts the program with that folder under the limit, and stops it before the limit is removed."""
    started: list[Program] = []

    def serve(**settings: str) -> Program:
        program = start(first=memory.enter, API_KEY=KEY, PORT="0", MODEL_URI=str(root), **settings)
        memory.watch(program.process.pid)
        started.append(program)
        return program

    yield serve
    for program in started:
        program.close()


def version(program: Program) -> str:
    """Predict, and return the version that answered."""
    answer = program.send(request("POST", "/predict", [KEY_HEADER], BODY))
    assert answer.status == 200, answer
    return str(answer.json["model"]["version"])


def give_out(folder: Path, file: str) -> None:
    """Change a version so that its lower bound is a byte of a file; its digests match, and any answer is "right"."""
    model = onnx.load(folder / MODEL)
    for node in model.graph.node:
        node.output[:] = ["whole" if name == "lower" else name for name in node.output]
        node.input[:] = ["whole" if name == "lower" else name for name in node.input]
    secret = TensorProto(name="secret", data_type=TensorProto.UINT8, dims=[1, 1], data_location=TensorProto.EXTERNAL)
    for key, value in ("location", file), ("offset", "8"), ("length", "1"):
        secret.external_data.add(key=key, value=value)
    model.graph.initializer.append(secret)
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["secret"], ["byte"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["whole", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "byte"], ["lower"]),
        ]
    )
    model.graph.initializer.append(helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]))
    (folder / MODEL).write_bytes(model.SerializeToString())
    write_digests(folder)


def tolerate(folder: Path, tolerance: float) -> None:
    """Set the tolerance of a version's golden rows."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["golden"]["tolerance"] = tolerance
    (folder / MANIFEST).write_text(json.dumps(manifest))
    write_digests(folder)


@pytest.mark.parametrize("tolerance", [1e9, 0.01])
def test_a_graph_that_reads_a_file_is_never_loaded(
    serve: Callable[..., Program], root: Path, bundle: Bundle, tmp_path: Path, tolerance: float
) -> None:
    """With a tolerance of 1e9, the golden rows accept whatever the file contains."""
    (tmp_path / ".env").write_text(f"API_KEY={KEY}\n")
    program = serve()
    assert version(program) == "1"
    folder = copy_as_version(bundle, tmp_path / "made", 2)
    give_out(folder, ".env")
    tolerate(folder, tolerance)
    folder.rename(root / NAME / "2")
    reason = "another file" if tolerance < 1 else "tolerance of the golden rows is too large"
    assert any(reason in str(line) for line in program.lines("keeps its active version"))
    assert version(program) == "1"
    answer = program.send(request("POST", "/predict", [KEY_HEADER, ("X-Model-Version", "2")], BODY))
    assert answer.status == 503


def test_a_graph_that_reads_a_file_ends_the_start(
    serve: Callable[..., Program], root: Path, bundle: Bundle, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"API_KEY={KEY}\n")
    give_out(root / NAME / "1", ".env")
    program = serve()
    assert program.exit_code() == 3
    assert "model.onnx cannot be loaded: a tensor is in another file" in program.errors
