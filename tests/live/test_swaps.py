"""Version swaps in a running program: no request fails, and a bad version does not replace the active one."""

import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from app.bundle.pointer import activate
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, copy_models, corrupt_golden_rows, flip_bit, write_digests
from tests.known import KEY
from tests.live.program import PATIENCE, Program, Start
from tests.live.traffic import BODY, Traffic
from tests.live.wire import Answer, request

pytestmark = pytest.mark.alone

NAME = "beer-ibu"
SWAPS = 10
KEY_HEADER = ("X-API-Key", KEY)


@pytest.fixture
def root(bundle: Bundle, models: Path, tmp_path: Path) -> Path:
    """The committed bundles, with only version 1 of the beer model."""
    return copy_models(models, bundle, tmp_path / "models")


@pytest.fixture
def program(start: Start, root: Path) -> Program:
    """The program with that model folder."""
    return start(API_KEY=KEY, PORT="0", MODEL_URI=str(root))


def predict(program: Program, *headers: tuple[str, str]) -> Answer:
    return program.send(request("POST", "/predict", [KEY_HEADER, *headers], BODY))


def wait_for_version(program: Program, version: str) -> float:
    """Wait until a version answers, and return the seconds it took."""
    start_time = time.monotonic()
    while predict(program).json["model"]["version"] != version:
        assert time.monotonic() < start_time + PATIENCE
        time.sleep(0.02)  # not too often: this process also sends the load
    return time.monotonic() - start_time


def test_swaps_under_load_fail_no_request(program: Program, root: Path, bundle: Bundle) -> None:
    """Also print the duration of swaps and the p99 with and without them, which depend on the load of the machine."""
    copy_as_version(bundle, root, 2)
    wait_for_version(program, "2")
    with Traffic(program.port()) as baseline:
        baseline.until(2000)
    durations = []
    with Traffic(program.port()) as swapping:
        for number in range(SWAPS):
            version = str(1 + number % 2)
            activate(root, NAME, version)
            durations.append(wait_for_version(program, version))
        copy_as_version(bundle, root, 3)
        activate(root, NAME, "3")
        durations.append(wait_for_version(program, "3"))
    print(f"swaps: {sorted(durations)[len(durations) // 2]:.2f} s (median), {max(durations):.2f} s (longest)")
    print(
        f"p99: {baseline.p99:.2f} ms without swaps, {swapping.p99:.2f} ms with swaps; {len(swapping.seconds)} responses"
    )
    assert baseline.failures == swapping.failures == []
    assert swapping.versions == {"1", "2", "3"}
    assert max(durations) < 15, "a swap takes about a second on an idle machine"


def test_ten_swaps_do_not_grow_the_memory(program: Program, root: Path, bundle: Bundle) -> None:
    if not os.path.isdir("/proc"):
        pytest.skip("reads /proc")
    copy_as_version(bundle, root, 2)

    def swap(times: int) -> int:
        for _ in range(times):
            active = predict(program).json["model"]["version"]
            activate(root, NAME, "1" if active == "2" else "2")
            wait_for_version(program, "1" if active == "2" else "2")
        program.lines("swapped")
        pages = Path(f"/proc/{program.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    wait_for_version(program, "2")
    before = swap(4)
    growth = swap(10) - before
    print(f"memory after ten swaps: {growth / 1e6:+.2f} MB")
    assert growth < 5_000_000


def test_hostile_versions_do_not_replace_the_active_version(program: Program, root: Path, bundle: Bundle) -> None:
    random = Random(7)
    wait_for_version(program, "1")
    for version in range(2, 6):
        folder = copy_as_version(bundle, root, version)
        if version == 2:
            corrupt_golden_rows(folder)
        else:
            for _ in range(40):
                flip_bit(folder / "model.onnx", random)
            write_digests(folder)
        lines = program.lines(f"/{NAME}/{version}: ")
        assert any(line["level"] == "error" and "keeps its active version" in line["message"] for line in lines)
        assert predict(program).json["model"]["version"] == "1"
    copy_as_version(bundle, root, 6)
    wait_for_version(program, "6")
    assert "Traceback" not in program.errors


def test_every_worker_swaps_and_a_replacement_worker_loads_the_good_version(
    start: Start, root: Path, bundle: Bundle
) -> None:
    program = start(API_KEY=KEY, PORT="0", MODEL_URI=str(root), WORKERS="2")
    program.lines_with("Application startup complete", 2)  # otherwise the slower one starts with the new version
    wait_for_version(program, "1")
    copy_as_version(bundle, root, 2)
    program.lines_with("2 swapped", 2)
    assert {predict(program).json["model"]["version"] for _ in range(40)} == {"2"}
    assert predict(program, ("X-Model-Version", "1")).json["model"]["version"] == "1"

    corrupt_golden_rows(copy_as_version(bundle, root, 3))
    program.lines_with("keeps its active version", 2)
    for child in children(program.process.pid):
        os.kill(child, signal.SIGKILL)
    program.lines_with("keeps its active version", 4)
    assert {predict(program).json["model"]["version"] for _ in range(20)} == {"2"}


def test_a_replacement_worker_quarantines_new_versions_before_it_loads_them(
    start: Start, root: Path, bundle: Bundle
) -> None:
    """The version passes its golden rows but returns NaN for other inputs, so only the quarantine rejects it."""
    onnx = pytest.importorskip("onnx", reason="the version is built with the package onnx")
    program = start(API_KEY=KEY, PORT="0", MODEL_URI=str(root), WORKERS="2")
    program.lines_with("Application startup complete", 2)
    model = onnx.load_from_string(bundle.files["model.onnx"])
    for node in model.graph.node:
        node.output[:] = ["whole" if name == "ibu" else name for name in node.output]
        node.input[:] = ["whole" if name == "ibu" else name for name in node.input]
    make = onnx.helper
    model.graph.initializer.extend(
        [
            make.make_tensor("far", onnx.TensorProto.FLOAT, [1], [1e8]),
            make.make_tensor("nan", onnx.TensorProto.FLOAT, [1], [float("nan")]),
        ]
    )
    model.graph.node.extend(
        [
            make.make_node("ReduceMax", ["features"], ["largest"], axes=[1], keepdims=1),
            make.make_node("Greater", ["largest", "far"], ["is_far"]),
            make.make_node("Where", ["is_far", "nan", "whole"], ["ibu"]),
        ]
    )
    files = {**bundle.files, "model.onnx": model.SerializeToString()}
    copy_as_version(Bundle(bundle.folder, bundle.manifest, files), root, 2)
    program.lines_with("output ibu is not finite", 2)
    for child in children(program.process.pid):
        os.kill(child, signal.SIGKILL)
    program.lines_with("output ibu is not finite", 4)
    assert {predict(program).json["model"]["version"] for _ in range(20)} == {"1"}


def children(parent: int) -> list[int]:
    """Return the child processes of a process."""
    return [int(child) for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
