"""Broken bundles at the start: the program exits with code 3 before it opens a port, and names the file."""

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from app.bundle.store import Bundle
from tests.bundles import copy_bundle, flip_bit, write_digests
from tests.known import KEY
from tests.live.program import Start
from tests.live.wire import request

pytestmark = pytest.mark.alone

CPU_SECONDS = 2.0
"""Maximum CPU time of a failed start, which is independent of the load of the machine."""
PATIENCE = 15.0
"""Maximum duration of a failed start in seconds."""


def _flip(name: str) -> Callable[[Path], object]:
    return lambda folder: flip_bit(folder / name, Random(7))


def _wrong_golden(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["golden"]["outputs"]["ibu"][0] += 5.0
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_digests(folder)


def _garbage_model(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(Random(7).randbytes(2000))
    write_digests(folder)


def _other_name(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "name": "wine-ibu"}))
    write_digests(folder)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped model": (_flip("model.onnx"), "model.onnx is not the file that was released"),
    "flipped manifest": (_flip("manifest.json"), "manifest.json is not the file that was released"),
    "flipped digests": (_flip("SHA256SUMS"), "SHA256SUMS"),
    "missing model": (lambda folder: (folder / "model.onnx").unlink(), "model.onnx is missing"),
    "missing folder": (shutil.rmtree, "no bundle here"),
    "added file": (lambda folder: (folder / "notes.txt").touch(), "'notes.txt' is not listed"),
    "wrong golden rows": (_wrong_golden, "golden rows: output ibu"),
    "garbage model": (_garbage_model, "model.onnx cannot be loaded"),
    "another name": (_other_name, "manifest.json says wine-ibu/"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_bundle_ends_the_start_with_code_3_before_a_port_opens(
    start: Start, tmp_path: Path, bundle: Bundle, fault: str
) -> None:
    change, message = BROKEN[fault]
    change(copy_bundle(bundle, tmp_path / "models"))
    with socket.socket() as bound:  # a bound port: the program would log an error if it opened it
        bound.bind(("127.0.0.1", 0))
        program = start(API_KEY=KEY, PORT=str(bound.getsockname()[1]), MODEL_URI=str(tmp_path / "models"))
        assert program.exit_code() == 3
    assert program.cpu_seconds < CPU_SECONDS and program.seconds < PATIENCE
    assert message in program.errors and "beer-ibu" in program.errors
    assert not any(word in program.errors for word in ("Traceback", "in use", "Uvicorn running", "Started"))
    assert program.output == ""
    print(f"{fault}: {program.seconds:.2f} s, of which CPU {program.cpu_seconds:.2f} s")


def test_a_broken_highest_version_is_not_replaced_by_a_lower_one(start: Start, tmp_path: Path, bundle: Bundle) -> None:
    models = tmp_path / "models"
    good = copy_bundle(bundle, models)
    bad = good.parent / str(int(good.name) + 1)
    shutil.copytree(good, bad)
    manifest = json.loads((bad / "manifest.json").read_text())
    (bad / "manifest.json").write_text(json.dumps({**manifest, "version": bad.name}))
    write_digests(bad)
    (bad / "model.onnx").unlink()
    program = start(API_KEY=KEY, PORT="0", MODEL_URI=str(models))
    assert program.exit_code() == 3
    assert f"{bad}: model.onnx is missing" in program.errors


def test_the_highest_version_is_served(start: Start, tmp_path: Path, bundle: Bundle) -> None:
    models = tmp_path / "models"
    good = copy_bundle(bundle, models)
    for version in "9", "10":
        shutil.copytree(good, good.parent / version)
        manifest = json.loads((good / "manifest.json").read_text())
        (good.parent / version / "manifest.json").write_text(json.dumps({**manifest, "version": version}))
        write_digests(good.parent / version)
    others = shutil.ignore_patterns(bundle.manifest.name)
    shutil.copytree(bundle.folder.parents[1], models, ignore=others, dirs_exist_ok=True)
    program = start(API_KEY=KEY, PORT="0", MODEL_URI=str(models))
    assert program.send(request("GET", "/model", [("X-API-Key", KEY)])).json["version"] == "10"
