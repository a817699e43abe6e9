"""The batcher: who shares a run, who waits for whom, and that nobody gets another's answer or error."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest

from app.bundle.manifest import Manifest
from app.bundle.store import read_bundle
from app.inference.admission import Admission
from app.inference.batcher import Batcher, Outputs
from app.inference.contract import Contract
from app.inference.onnx import OnnxPredictor
from app.inference.predictor import Array, Arrays, Predictor
from app.inference.served import Served
from app.telemetry.metrics import Registry
from tests.known import REPOSITORY

pytestmark = pytest.mark.anyio
PATIENCE = 10.0
NEVER = 3600.0
"""Seconds that no test waits."""
IRIS = read_bundle(REPOSITORY / "models" / "iris" / "1")


class Stumbled(Exception):
    """What the graph comes to at a row that it cannot take."""


class Gated(Predictor):
    """The iris model; each run waits until it is let go, and none takes a row that begins with less than zero."""

    def __init__(self) -> None:
        self._model = OnnxPredictor(IRIS)
        super().__init__(self._model.manifest)
        self.go = threading.Semaphore(0)
        self.sizes: list[int] = []

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        rows = inputs["features"]
        self.sizes.append(len(rows))
        assert self.go.acquire(timeout=PATIENCE)
        if (rows[:, 0] < 0).any():
            raise Stumbled
        return self._model.predict(inputs)


class Scene:
    """A model that runs when it is told to, and its callers."""

    def __init__(self, most_seconds: float, in_work: int = 2, most_rows: int = 4) -> None:
        self.admission, self.metrics, self.model = Admission(in_work), Registry(), Gated()
        self.batcher = Batcher(self.admission, self.metrics, most_rows, most_seconds)
        self.served = Served(self.model, self.metrics)
        self.tasks: list[asyncio.Task[Outputs]] = []

    def call(self, *rows: Array) -> "asyncio.Task[Outputs]":
        """A caller with these rows."""
        run = self.batcher.run(self.served, {"features": np.stack(rows)})
        task = asyncio.create_task(asyncio.wait_for(run, PATIENCE))
        self.tasks.append(task)
        return task

    async def runs(self, count: int) -> None:
        """Wait until so many runs have begun."""
        await until(lambda: len(self.model.sizes) == count)

    def figure(self, part: str) -> float:
        """Of the histogram."""
        found = self.metrics.read().items()
        return sum(value for (name, _, told), value in found if (name, told) == ("model_batch_rows", part))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.001)


def flower(number: int) -> Array:
    """A flower unlike any other."""
    return np.array([4.0 + number / 8, 2.0 + number / 16, 1.0 + number / 4, 0.1 + number / 9], np.float32)


def right(*rows: Array) -> Outputs:
    """What the model gives these rows by themselves."""
    return OnnxPredictor(IRIS).predict({"features": np.stack(rows)})


def same(one: Outputs, other: Outputs) -> bool:
    """Whether they agree within the bundle's tolerance: the last bit may differ in a larger product of matrices."""
    tolerance = IRIS.manifest.golden.tolerance
    return one.keys() == other.keys() and all(np.abs(one[name] - other[name]).max() <= tolerance for name in one)


@pytest.fixture
async def scenes() -> AsyncIterator[Callable[..., Scene]]:
    """Makes scenes, and lets go whatever still runs in them."""
    made: list[Scene] = []

    def make(*arguments: float, **more: int) -> Scene:
        made.append(Scene(*arguments, **more))
        return made[-1]

    yield make
    for scene in made:
        scene.model.go.release(100)
        await asyncio.gather(*scene.tasks, return_exceptions=True)
        scene.admission.close()


async def test_who_is_alone_waits_for_nobody(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    scene.model.go.release(2)
    for number in range(2):  # the one before does not matter
        assert same(await scene.call(flower(number)), right(flower(number)))
    assert scene.model.sizes == [1, 1]


async def test_who_comes_during_a_run_shares_the_next_and_gets_its_own_rows(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    first = scene.call(flower(0))
    await scene.runs(1)
    others = [scene.call(flower(1)), scene.call(flower(2), flower(3))]
    await asyncio.sleep(0)
    assert scene.model.sizes == [1], "they wait, though a thread is free"
    scene.model.go.release(2)
    assert same(await first, right(flower(0)))
    assert same(await others[0], right(flower(1)))
    assert same(await others[1], right(flower(2), flower(3)))
    assert scene.model.sizes == [1, 3]
    assert (scene.figure("1"), scene.figure("4"), scene.figure("sum")) == (1, 1, 4)


async def test_a_run_has_no_more_rows_than_it_may_and_none_comes_before_its_turn(scenes: Callable[..., Scene]) -> None:
    scene = scenes(0, in_work=1)
    first = scene.call(flower(0))
    await scene.runs(1)
    others = [scene.call(*(flower(3 * n + k) for k in range(rows))) for n, rows in enumerate((3, 2, 2, 1))]
    scene.model.go.release(10)
    await asyncio.gather(first, *others)
    assert scene.model.sizes == [1, 3, 4, 1]


async def test_a_full_run_begins_where_a_thread_is_free(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    scene.call(flower(0))
    await scene.runs(1)
    for number in range(4):
        scene.call(flower(number))
    await scene.runs(2)
    assert scene.model.sizes == [1, 4]


async def test_none_waits_longer_than_it_may_where_a_thread_is_free(scenes: Callable[..., Scene]) -> None:
    scene = scenes(0.01)
    scene.call(flower(0))
    await scene.runs(1)
    scene.call(flower(1))
    scene.call(flower(2))
    await scene.runs(2)
    assert scene.model.sizes == [1, 2]


async def test_who_has_left_is_not_run_and_hurts_nobody(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    first = scene.call(flower(0))
    await scene.runs(1)
    leaves, stays = scene.call(flower(1)), scene.call(flower(2))
    await asyncio.sleep(0)
    leaves.cancel()
    first.cancel()  # while it runs
    scene.model.go.release(2)
    assert same(await stays, right(flower(2)))
    assert first.cancelled() and leaves.cancelled() and scene.model.sizes == [1, 1]


async def test_a_row_that_the_graph_cannot_take_fails_its_own_call_alone(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    scene.model.go.release(10)
    first, good, bad, last = (scene.call(row) for row in (flower(0), flower(1), -flower(2), flower(3)))
    with pytest.raises(Stumbled):
        await bad
    for number, task in ((0, first), (1, good), (3, last)):
        assert same(await task, right(flower(number)))
    assert scene.model.sizes[1:] == [3, 1, 1, 1]


async def test_versions_do_not_share_and_nothing_is_kept_of_what_is_done(scenes: Callable[..., Scene]) -> None:
    scene = scenes(NEVER)
    other = Served(scene.model, scene.metrics)
    both = [scene.call(flower(0)), scene.call(flower(1))]
    both += [asyncio.create_task(scene.batcher.run(other, {"features": flower(n)[None]})) for n in (0, 1)]
    scene.model.go.release(10)
    await asyncio.gather(*both)
    assert sorted(scene.model.sizes) == [1, 1, 1, 1]
    assert not scene.batcher._lines


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("inputs", {"shape": (1, 1)}),
        ("inputs", {"shape": (-1, -1)}),
        ("outputs", {"shape": (1,)}),
        ("inputs", {"optional": True}),
    ],
)
def test_only_rows_of_one_shape_with_answers_of_their_own_are_put_together(
    what: str, change: dict[str, object]
) -> None:
    manifest = IRIS.manifest.model_copy(update={"packed": None})
    assert Contract(IRIS.manifest).row_wise and Contract(manifest).row_wise
    first, *others = getattr(manifest, what)
    changed: Manifest = manifest.model_copy(update={what: (first.model_copy(update=change), *others)})
    assert not Contract(changed).row_wise
