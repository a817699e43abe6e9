"""The lifecycle: components start once, stop in reverse, and readiness ends before the process does."""

import asyncio

import pytest

from app.lifecycle import Lifecycle


class Recorder:
    """A component that writes its name into a shared list."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name, self.events = name, events

    def start(self) -> None:
        self.events.append(f"start {self.name}")

    def stop(self) -> None:
        self.events.append(f"stop {self.name}")


class AsyncRecorder(Recorder):
    """The same, with an asynchronous end."""

    async def stop(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().stop()


@pytest.mark.anyio
async def test_components_start_once_and_stop_in_reverse_order() -> None:
    events: list[str] = []
    lifecycle = Lifecycle(components=[AsyncRecorder("a", events), Recorder("b", events)])
    await lifecycle.stop()
    assert events == [], "nothing is stopped that was not started"
    lifecycle.start()
    lifecycle.start()
    await lifecycle.stop()
    await lifecycle.stop()
    assert events == ["start a", "start b", "stop b", "stop a"]


def test_readiness_needs_models_and_ends_with_retirement() -> None:
    models_ready = [False]
    lifecycle = Lifecycle(lambda: models_ready[0])
    assert not lifecycle.ready
    models_ready[0] = True
    assert lifecycle.ready
    lifecycle.retire()
    assert not lifecycle.ready
