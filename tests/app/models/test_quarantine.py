"""Quarantine: files that were altered and signed again never crash this process."""

import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from app.bundle.digests import SHA256SUMS, sums_text
from app.bundle.manifest import MANIFEST, MODEL
from app.bundle.store import Bundle
from app.errors import BundleError
from app.models.quarantine import probes, read_quarantined
from app.runtime.onnx import OnnxPredictor

SEED = 20


def _write(bundle: Bundle, root: Path, changed: dict[str, bytes]) -> Path:
    """The bundle with other contents, and digests that agree with them."""
    folder = root / bundle.manifest.name / bundle.manifest.version
    folder.mkdir(parents=True)
    files = {**bundle.files, **changed}
    for name, data in {**files, SHA256SUMS: sums_text(files).encode()}.items():
        (folder / name).write_bytes(data)
    return folder


def _flipped(data: bytes, chance: random.Random) -> bytes:
    altered = bytearray(data)
    altered[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(altered)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _doubled(data: bytes, chance: random.Random) -> bytes:
    start, length = chance.randrange(len(data)), chance.randrange(1, 4096)
    return data[:start] + data[start:][:length] * 2 + data[start:][length:]


def _swapped(data: bytes, chance: random.Random) -> bytes:
    first, second = sorted(chance.sample(range(len(data) - 64), 2))
    altered = bytearray(data)
    altered[slice(first, first + 64)], altered[slice(second, second + 64)] = data[second:][:64], data[first:][:64]
    return bytes(altered)


def _noise(data: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randrange(1, len(data)))


Mutation = Callable[[bytes, random.Random], bytes]
MUTATIONS: tuple[Mutation, ...] = (_flipped, _flipped, _flipped, _flipped, _cut, _doubled, _swapped, _noise)


def test_a_good_bundle_passes_with_the_bytes_that_were_tried(bundle: Bundle) -> None:
    tried = read_quarantined(bundle.folder)
    assert tried.files == {name: bundle.files[name] for name in (MANIFEST, MODEL)}
    assert (tried.manifest, tried.digest) == (bundle.manifest, bundle.digest)


@pytest.mark.parametrize("count", [24, pytest.param(500, marks=pytest.mark.nightly)])
def test_mutants_never_crash_this_process(bundle: Bundle, tmp_path: Path, count: int) -> None:
    chance = random.Random(SEED)
    fresh = {name: values[::-1].copy() for name, values in probes(bundle.manifest, 5000).items()}
    outcomes: Counter[str] = Counter()

    def mutant(number: int) -> tuple[Path, str]:
        mutate = MUTATIONS[number % len(MUTATIONS)]
        name = MANIFEST if number % 16 == 15 else MODEL
        folder = _write(bundle, tmp_path / str(number), {name: mutate(bundle.files[name], drawn[number])})
        try:
            read_quarantined(folder)
        except BundleError as error:
            return folder, str(error).partition("quarantine: ")[2] or "refused by its manifest"
        return folder, ""

    drawn = [random.Random(chance.random()) for _ in range(count)]
    with ThreadPoolExecutor(2) as pool:
        for folder, reason in pool.map(mutant, range(count)):
            outcomes[reason.partition(":")[0] or "came through"] += 1
            if not reason:
                predictor = OnnxPredictor(read_quarantined(folder))
                assert all(np.isfinite(values).all() for values in predictor.predict(fresh).values())
            shutil.rmtree(folder)
    print(f"\n{count} mutants: {dict(outcomes)}")
    assert outcomes.total() == count and outcomes["came through"] < count / 2


def test_a_model_that_needs_too_much_memory_is_rejected(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match="quarantine: "):
        read_quarantined(bundle.folder, memory=1 << 18)


def test_a_model_that_takes_too_long_is_rejected(bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"quarantine: it took longer than 0\.05 s"):
        read_quarantined(bundle.folder, seconds=0.05)


@pytest.fixture
def in_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Replaces the loading of the model in the child process by code of the test's."""

    def replace(code: str, seconds: str = "sys.argv[2]") -> None:
        start = f"""
import json, os, resource, sys
from app.errors import BundleError
from app.models import quarantine
def load(bundle):
    {code}
quarantine.OnnxPredictor = load
quarantine.main()
"""
        launcher = tmp_path / "python"
        launcher.write_text(
            f"#!{sys.executable}\nimport os, sys\nassert sys.argv[1:3] == ['-m', 'app.models.quarantine']\n"
            f"sys.argv[1:3] = []\nos.execv({sys.executable!r}, ['python', '-c', {start!r}, sys.argv[1], {seconds}])\n"
        )
        launcher.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(launcher))

    return replace


def test_the_child_has_no_secrets_and_bounded_resources(
    bundle: Bundle, in_child: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("API_KEY", "AWS_SECRET_ACCESS_KEY", "MODEL_SERVER_API_KEY"):
        monkeypatch.setenv(name, "a-secret")
    in_child(
        "limits = [resource.getrlimit(getattr(resource, f'RLIMIT_{name}')) for name in ('CPU', 'CORE', 'FSIZE')]; "
        "raise BundleError(json.dumps([dict(os.environ), limits]))"
    )
    with pytest.raises(BundleError) as caught:
        read_quarantined(bundle.folder, seconds=17)
    environment, limits = json.loads(str(caught.value).partition("quarantine: ")[2])
    assert "a-secret" not in environment.values() and "PYTHONPATH" in environment
    assert limits == [[17, 18], [0, 0], [0, 0]]


def test_a_model_that_computes_for_too_long_is_stopped_by_its_cpu_limit(
    bundle: Bundle, in_child: Callable[..., None]
) -> None:
    in_child("while True: pass", seconds="'2'")
    with pytest.raises(BundleError, match="quarantine: it took too long"):
        read_quarantined(bundle.folder, seconds=60)


@pytest.mark.parametrize("numerator", [0.0, 1e-30], ids=["NaN", "infinite"])
def test_outputs_that_are_not_finite_are_rejected(bundle: Bundle, tmp_path: Path, numerator: float) -> None:
    """Golden rows and all trained rows are right: the model divides by a gravity, which is 0 in some probes alone."""
    model, name = onnx.load_from_string(bundle.files[MODEL]), "upper"
    for node in model.graph.node:
        node.output[:] = ["finite" if output == name else output for output in node.output]
    make, constant = onnx.helper.make_node, onnx.numpy_helper.from_array
    model.graph.initializer.extend(
        [constant(np.array([2], np.int64), "column"), constant(np.array(numerator, np.float32), "numerator")]
    )
    model.graph.node.extend(
        [
            make("Gather", ["features", "column"], ["gravity"], axis=1),
            make("Div", ["numerator", "gravity"], ["quotient"]),
            make("Add", ["finite", "quotient"], [name]),
        ]
    )
    folder = _write(bundle, tmp_path, {MODEL: model.SerializeToString()})
    with pytest.raises(BundleError, match=f"quarantine: output {name} is not finite for every input"):
        read_quarantined(folder)


def test_wrong_digests_are_rejected_before_the_bundle_is_tried(bundle: Bundle, tmp_path: Path) -> None:
    folder = _write(bundle, tmp_path, {})
    (folder / MODEL).write_bytes(bundle.files[MODEL] + b"\0")
    with pytest.raises(BundleError, match="not the file that was released"):
        read_quarantined(folder)


def test_probes_are_reproducible_and_exceed_the_trained_ranges(bundle: Bundle) -> None:
    (first,), (second,) = probes(bundle.manifest).values(), probes(bundle.manifest).values()
    assert np.array_equal(first, second, equal_nan=True)
    for column, declared in zip(first.T, bundle.manifest.inputs, strict=True):
        low, high = declared.trained_range or (0, 0)
        assert np.nanmin(column) < low and np.nanmax(column) > high and np.isnan(column).any() == declared.optional
