"""The writer of labels: the event loop never waits, and every call gets an answer."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from app.errors import LabelConflict, LabelsUnavailable, Overloaded
from app.labels import writer as module
from app.labels.reading import read_labels
from app.labels.store import Bounds, LabelStore, Offer, Outcome
from app.labels.writer import LabelWriter
from app.telemetry.metrics import Registry
from tests.labels import label

pytestmark = pytest.mark.anyio


class Disk(LabelStore):
    """A store that can be held up, and can fail."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Bounds(1000, 10_000_000, 30))
        self.free = threading.Event()
        self.free.set()
        self.error: Exception | None = None
        self.batches: list[int] = []

    def add(self, offers: Sequence[Offer]) -> list[Outcome]:
        self.free.wait()
        self.batches.append(len(offers))
        if self.error is not None:
            raise self.error
        return super().add(offers)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def metrics() -> Registry:
    return Registry()


@pytest.fixture
async def writer(disk: Disk, metrics: Registry) -> AsyncIterator[LabelWriter]:
    writer = LabelWriter(disk, metrics)
    writer.start()
    yield writer
    disk.free.set()
    await writer.stop()
    assert not writer._thread.is_alive()


def counted(metrics: Registry) -> dict[str, float]:
    return {
        labels.rpartition("outcome=")[2].strip('"'): value
        for (name, labels, _), value in metrics.read().items()
        if name == "feedback_labels_total"
    }


async def test_labels_that_wait_together_are_stored_with_one_write(
    writer: LabelWriter, disk: Disk, tmp_path: Path
) -> None:
    disk.free.clear()
    calls = [asyncio.ensure_future(writer.add(Offer(label(id=str(index))))) for index in range(20)]
    await asyncio.sleep(0.05)
    assert not any(call.done() for call in calls)
    disk.free.set()
    await asyncio.gather(*calls)
    assert len(disk.batches) <= 3
    assert len(list(read_labels([tmp_path]))) == 20


async def test_a_conflict_fails_its_call_alone_and_outcomes_are_counted(writer: LabelWriter, metrics: Registry) -> None:
    await writer.add(Offer(label(id="a")))
    outcomes = await asyncio.gather(
        writer.add(Offer(label(id="a", ibu=1.0))),
        writer.add(Offer(label(id="a"))),
        writer.add(Offer(label(id="b"))),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LabelConflict, type(None), type(None)]
    assert counted(metrics) == {"stored": 2.0, "conflict": 1.0, "repeated": 1.0}


@pytest.mark.parametrize("error", [LabelsUnavailable("No space left on device"), ValueError("unexpected")], ids=repr)
async def test_a_disk_that_fails_is_logged_once_and_tried_again(
    writer: LabelWriter, disk: Disk, metrics: Registry, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    disk.error = error
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(LabelsUnavailable):
                await writer.add(Offer(label()))
    assert len(caplog.records) == 1 and str(error) in caplog.text
    disk.error = None
    await writer.add(Offer(label()))
    assert counted(metrics) == {"failed": 3.0, "stored": 1.0}


async def test_a_disk_that_hangs_fails_calls_after_a_time_and_too_many_at_once(
    writer: LabelWriter, disk: Disk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 0.2)
    disk.free.clear()
    first = asyncio.ensure_future(writer.add(Offer(label(id="first"))))
    await asyncio.sleep(0.05)
    calls = [asyncio.ensure_future(writer.add(Offer(label(id=str(index))))) for index in range(module.MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await writer.add(Offer(label(id="one too many")))
    outcomes = await asyncio.gather(first, *calls, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {LabelsUnavailable}
    with pytest.raises(Overloaded):  # as long as the disk hangs
        await writer.add(Offer(label(id="still too many")))
    disk.free.set()
    monkeypatch.undo()
    while writer._queue.qsize():
        await asyncio.sleep(0.01)
    await writer.add(Offer(label(id="later")))
    assert {each.id for each in read_labels([tmp_path])} == {"first", "later"}  # calls that gave up are not stored


async def test_what_waits_is_stored_before_the_end(disk: Disk, tmp_path: Path) -> None:
    writer = LabelWriter(disk, Registry())
    writer.start()
    calls = [asyncio.ensure_future(writer.add(Offer(label(id=str(index))))) for index in range(5)]
    await asyncio.sleep(0)
    await writer.stop()
    assert not writer._thread.is_alive()
    await asyncio.gather(*calls)
    assert len(list(read_labels([tmp_path]))) == 5
