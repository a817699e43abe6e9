"""Attacks by whoever can write to the models' folder, in 512 MB: the program goes on, and gives nothing out."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from app.bundle.digests import SHA256SUMS
from app.bundle.manifest import MANIFEST, MODEL
from app.bundle.pointer import POINTER
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, copy_models, write_digests
from tests.known import KEY
from tests.live.program import Program, until, worker_pids
from tests.live.traffic import BODY
from tests.live.wire import request
from tests.memory_limit import LIMIT, MemoryLimit

NAME = "beer-ibu"
KEY_HEADER = ("X-API-Key", KEY)
METRICS = request("GET", "/metrics", [KEY_HEADER])


@pytest.fixture
def root(bundle: Bundle, models: Path, tmp_path: Path) -> Path:
    """The committed bundles, with only version 1 of the beer model."""
    return copy_models(models, bundle, tmp_path / "models")


@pytest.fixture
def serve(start_limited: Callable[..., Program], memory: MemoryLimit, root: Path) -> Iterator[Callable[..., Program]]:
    """Starts the program with that folder in 512 MB. At the end, the kernel has killed no process."""
    yield partial(start_limited, API_KEY=KEY, PORT="0", MODEL_URI=str(root))
    print(f"peak memory: {memory.peak / 1e6:.0f} MB")
    assert not memory.killed and memory.peak < LIMIT


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


def some_nightly(attacks: Iterable[str]) -> list[object]:
    """Return the first attack, and the others for the nightly run only: each takes seconds."""
    first, *others = attacks
    return [first, *(pytest.param(name, marks=pytest.mark.nightly) for name in others)]


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


def fifo(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def replace_by_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def sparse(path: Path, size: int = 8 << 30) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def endless_manifest(folder: Path, size: int) -> None:
    """A manifest each of whose values is two errors of validation, which take about 160 times their size."""
    text = json.dumps({**json.loads((folder / MANIFEST).read_text()), "golden": {"inputs": {}, "outputs": {}}})
    values = '"ibu": [' + ",".join(["[[]]"] * (size // 5)) + "]"
    (folder / MANIFEST).write_text(text.replace('"outputs": {}', f'"outputs": {{{values}}}'))
    write_digests(folder)


def change_manifest(folder: Path, old: str, new: str) -> None:
    text = (folder / MANIFEST).read_text()
    assert old in text
    (folder / MANIFEST).write_text(text.replace(old, new, 1))
    write_digests(folder)


def many_files(folder: Path) -> None:
    for number in range(20_000):
        (folder / f"f{number}").touch()


def add_nodes(folder: Path, *nodes: onnx.NodeProto, **constants: np.ndarray) -> None:
    """Change a version's graph: ``lower`` becomes ``whole`` for the new nodes, which give the new ``lower``."""
    model = onnx.load(folder / MODEL)
    for node in model.graph.node:
        node.output[:] = ["whole" if name == "lower" else name for name in node.output]
        node.input[:] = ["whole" if name == "lower" else name for name in node.input]
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in constants.items())
    (folder / MODEL).write_bytes(model.SerializeToString())
    write_digests(folder)


def vast_output(folder: Path) -> None:
    """A graph that fills 100 GB for each call."""
    add_nodes(
        folder,
        helper.make_node("Mul", ["whole", "zero"], ["nothing"]),
        helper.make_node("ReduceSum", ["nothing"], ["no_rows"], keepdims=0),
        helper.make_node("Cast", ["no_rows"], ["none"], to=TensorProto.INT64),
        helper.make_node("Add", ["none", "many"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["vast"]),
        helper.make_node("ReduceMax", ["vast"], ["sum"], keepdims=0),
        helper.make_node("Add", ["whole", "sum"], ["lower"]),
        zero=np.zeros(1, np.float32),
        many=np.array([25_000_000_000], np.int64),
    )


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link to /dev/zero": (lambda v: link(v / MODEL, "/dev/zero"), "model.onnx cannot be read: not a regular file"),
    "a link out of the bundle": (
        lambda v: link(v / MODEL, "../../../.env"),
        "model.onnx cannot be read: not a regular",
    ),
    "a pipe": (lambda v: fifo(v / MODEL), "model.onnx cannot be read: not a regular file"),
    "8 GB": (lambda v: sparse(v / MODEL), "model.onnx cannot be read: larger than"),
    "a pipe as digests": (lambda v: fifo(v / SHA256SUMS), "cannot be read: not a regular file"),
    "8 GB of digests": (lambda v: sparse(v / SHA256SUMS), "cannot be read: larger than 64000 bytes"),
    "20,000 files": (many_files, "is not listed in SHA256SUMS"),
    "a manifest of 18 MB": (
        lambda v: endless_manifest(v, 18_000_000),
        "manifest.json cannot be read: larger than 400000",
    ),
    "a manifest of 400 KB of errors": (lambda v: endless_manifest(v, 350_000), ""),
    "a deep manifest": (
        lambda v: change_manifest(v, '"seed":', f'"deep": {"[" * 50_000}{"]" * 50_000}, "seed":'),
        "recursion limit",
    ),
    "a huge number": (lambda v: change_manifest(v, '"seed":', f'"huge": {"9" * 100_000}, "seed":'), "manifest.json"),
    "not a number": (lambda v: change_manifest(v, '"tolerance": 0.01', '"tolerance": NaN'), "manifest.json"),
    "an output of 100 GB": (vast_output, "model.onnx cannot be loaded"),
}


@pytest.mark.alone
def test_no_hostile_version_is_read_or_hangs_the_reloader(
    serve: Callable[..., Program], root: Path, bundle: Bundle, tmp_path: Path
) -> None:
    """Each is rejected with its reason within a few seconds; then another model and a good version are taken up."""
    (tmp_path / ".env").write_text(f"API_KEY={KEY}\n")
    program = serve()
    assert version(program) == "1"
    for number, (what, (change, reason)) in enumerate(HOSTILE.items(), 2):
        folder = copy_as_version(bundle, tmp_path / "made", number)
        change(folder)
        folder.rename(root / NAME / str(number))
        began = time.monotonic()
        lines = [str(line) for line in program.lines(f"/{NAME}/{number}: ")]
        assert time.monotonic() - began < 10, what
        assert any(f"/{NAME}/{number}: " in line and reason in line for line in lines), (what, lines[-1])
        assert version(program) == "1"
    copy_as_version(bundle, root, 99)
    until(lambda: version(program) == "99")
    assert "Traceback" not in program.errors


@pytest.mark.parametrize(
    ("workers", "width"),
    [("1", 3900), pytest.param("2", 2400, marks=pytest.mark.nightly)],
    ids=["60 MB", "23 MB in two workers"],
)
def test_a_candidate_of_the_largest_size_is_tried_in_512_mb(
    serve: Callable[..., Program], root: Path, bundle: Bundle, tmp_path: Path, workers: str, width: int
) -> None:
    """Workers take turns, so that their tests never add up."""
    program = serve(WORKERS=workers)
    program.lines_with("Application startup complete", int(workers))
    assert version(program) == "1"
    folder = copy_as_version(bundle, tmp_path / "made", 2)
    weights = np.random.default_rng(13).random((width, width), np.float32)
    add_nodes(
        folder,
        helper.make_node("Expand", ["whole", "wide"], ["wider"]),
        helper.make_node("MatMul", ["wider", "weights"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["largest"], axes=[1]),
        helper.make_node("Mul", ["largest", "zero"], ["nothing"]),
        helper.make_node("Add", ["whole", "nothing"], ["lower"]),
        wide=np.array([1, width], np.int64),
        weights=weights,
        zero=np.zeros(1, np.float32),
    )
    folder.rename(root / NAME / "2")
    program.lines_with("2 swapped", int(workers))
    assert {version(program) for _ in range(20)} == {"2"}


POINTERS: dict[str, Callable[[Path], object]] = {
    "a pipe": fifo,
    "a folder": replace_by_folder,
    "8 GB": sparse,
    "a link to /dev/zero": lambda path: link(path, "/dev/zero"),
}


@pytest.mark.parametrize("attack", some_nightly(POINTERS))
def test_a_pointer_that_is_no_file_hangs_nothing(
    serve: Callable[..., Program], root: Path, bundle: Bundle, attack: str
) -> None:
    program = serve()
    assert version(program) == "1"
    pointer = root / NAME / POINTER
    POINTERS[attack](pointer)
    program.lines("ACTIVE: cannot be read: ")
    assert version(program) == "1"
    pointer.rmdir() if attack == "a folder" else pointer.unlink()
    copy_as_version(bundle, root, 2)
    until(lambda: version(program) == "2")


def test_a_folder_of_five_thousand_versions_delays_nobody(
    serve: Callable[..., Program], root: Path, bundle: Bundle
) -> None:
    program = serve()
    assert version(program) == "1"
    for number in range(1000, 6000):
        (root / NAME / str(number)).mkdir()
    program.lines("more than 1000 entries")
    assert version(program) == "1"
    copy_as_version(bundle, root, 2)
    (root / NAME / POINTER).write_text("2\n")
    until(lambda: version(program) == "2")


BAD_POINTERS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(b"\xff\x00garbage"),
    "a missing version": lambda path: path.write_text("77\n"),
    "a folder": replace_by_folder,
    "a pipe": fifo,
}


@pytest.mark.parametrize("attack", some_nightly(BAD_POINTERS))
def test_new_workers_serve_what_was_active_last_though_the_pointer_is_bad(
    serve: Callable[..., Program], root: Path, bundle: Bundle, attack: str
) -> None:
    """Version 3 is good and higher, but was never active."""
    for number in 2, 3:
        copy_as_version(bundle, root, number)
    pointer = root / NAME / POINTER
    pointer.write_text("1\n")
    program = serve(WORKERS="2")
    program.lines_with("Application startup complete", 2)
    pointer.write_text("2\n")
    program.lines_with("2 swapped", 2)
    BAD_POINTERS[attack](pointer)
    program.lines_with("keeps its active version", 2)
    for worker in worker_pids(program):
        os.kill(worker, signal.SIGKILL)
    program.lines_with(f"{NAME} falls back to version 2: ", 2)
    program.lines_with("Application startup complete", 4)
    assert {version(program) for _ in range(20)} == {"2"}
    until(lambda: b'model_candidate_refused{model="beer-ibu"} 1' in program.send(METRICS).body)
    pointer.rmdir() if attack == "a folder" else pointer.unlink()
    pointer.write_text("3\n")
    until(lambda: {version(program) for _ in range(10)} == {"3"})


def test_new_workers_serve_the_other_models_though_one_has_no_version_left(
    serve: Callable[..., Program], root: Path
) -> None:
    program = serve(WORKERS="2")
    program.lines_with("Application startup complete", 2)
    shutil.rmtree(root / "iris")
    for worker in worker_pids(program):
        os.kill(worker, signal.SIGKILL)
    program.lines_with("iris has no version that can answer", 2)
    program.lines_with("Application startup complete", 4)
    assert {version(program) for _ in range(10)} == {"1"}


@pytest.mark.parametrize("attack", BAD_POINTERS)
def test_a_bad_pointer_ends_the_first_start_with_its_reason(
    serve: Callable[..., Program], root: Path, attack: str
) -> None:
    BAD_POINTERS[attack](root / NAME / POINTER)
    program = serve()
    assert program.exit_code() == 3
    assert "/ACTIVE: " in program.errors and "Traceback" not in program.errors
