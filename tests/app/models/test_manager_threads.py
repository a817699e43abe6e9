"""The model manager under concurrent writes: the reloader, the thread pool and callers change it at the same time."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.bundle.store import Bundle, read_bundle
from app.errors import ModelNotReady
from app.models.loaded import LoadedModel
from app.models.manager import MAX_ON_REQUEST, ModelManager
from app.models.store import ModelStore
from app.runtime.predictor import Array, Arrays, Predictor
from tests.bundles import copy_as_version

NAME = "beer-ibu"
VERSIONS = range(1, 9)
SECONDS = 3.0


class Constant(Predictor):
    """Answers at once, so that the threads spend their time in the manager."""

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        return {"ibu": np.zeros((len(next(iter(inputs.values()))), 1), np.float32)}


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Let threads interrupt each other after a microsecond."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def manager(bundle: Bundle, tmp_path: Path) -> ModelManager:
    """A manager with versions 1 to 8 on disk, of which 1 is active."""
    for version in VERSIONS:
        copy_as_version(bundle, tmp_path, version)
    store = ModelStore(tmp_path, lambda bundle: Constant(bundle.manifest), read_bundle)
    manager = ModelManager([NAME], store=store)
    manager.activate(manager.load(NAME, "1"))
    return manager


def test_two_threads_load_prune_and_swap_at_once(manager: ModelManager, quick_switches: None) -> None:
    end = time.monotonic() + SECONDS
    failures: list[Exception] = []

    def repeat(action: Callable[[str], object]) -> None:
        for version in cycle(map(str, VERSIONS)):
            if time.monotonic() > end:
                return
            try:
                action(version)
            except ModelNotReady:
                pass  # deactivated by the other thread
            except Exception as error:
                failures.append(error)

    def request(version: str) -> None:
        assert manager.get(NAME, version).manifest.version == version

    def swap(version: str) -> None:
        manager.deactivate(NAME, persist=False)
        manager.prune(NAME)
        manager.activate(manager.load(NAME, version))
        assert manager.get(NAME).manifest.version == version

    threads = [threading.Thread(target=repeat, args=(action,)) for action in (request, swap)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    loaded = [version for version in map(str, VERSIONS) if manager.loaded(NAME, version)]
    assert len(loaded) <= MAX_ON_REQUEST + 1


def test_a_model_that_is_deactivated_during_a_load_stays_deactivated(manager: ModelManager) -> None:
    state = manager.state(NAME)
    model = manager.load(NAME, "2")
    manager.deactivate(NAME, persist=False)
    assert not manager.activate(model, expected=state)
    with pytest.raises(ModelNotReady):
        manager.get(NAME)


def test_a_deactivation_during_a_reactivation_prevails(manager: ModelManager, monkeypatch: pytest.MonkeyPatch) -> None:
    store = manager._store
    assert store is not None
    load = store.open

    def deactivate_and_load(*arguments: Any) -> Predictor:
        manager.deactivate(NAME)
        return load(*arguments)

    manager.deactivate(NAME)
    monkeypatch.setattr(store, "open", deactivate_and_load)
    manager.reactivate(NAME)
    with pytest.raises(ModelNotReady):
        manager.get(NAME)


def test_after_concurrent_swaps_one_version_is_active_and_reported(manager: ModelManager, quick_switches: None) -> None:
    models = [manager.load(NAME, version) for version in ("2", "3")]

    rounds = 300
    barrier = threading.Barrier(len(models) * 2 + 1)

    def swap(model: LoadedModel) -> None:
        for _ in range(rounds):
            barrier.wait()
            for _ in range(20):
                manager.activate(model)
            barrier.wait()

    threads = [threading.Thread(target=swap, args=(model,), daemon=True) for model in models * 2]
    for thread in threads:
        thread.start()
    for _ in range(rounds):
        barrier.wait()
        barrier.wait()
        figures = manager.metrics.read().items()
        active = [labels for (name, labels, _), value in figures if name == "model_info" and value == 1.0]
        assert len(active) == 1
        assert f'version="{manager.get(NAME).manifest.version}"' in active[0]
