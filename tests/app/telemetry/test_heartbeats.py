"""Heartbeats: their age is visible to the process and to those that share its metrics, and ends with the part."""

import asyncio
import math
import time
from pathlib import Path

import pytest

from app.telemetry import heartbeats
from app.telemetry.exposition import exposition
from app.telemetry.heartbeats import EventLoopHeartbeat, Heartbeat
from app.telemetry.metrics import Registry


def _age(metrics: Registry, part: str) -> float:
    lines = exposition(metrics).decode().splitlines()
    name = f'heartbeat_age_seconds{{part="{part}"}}'
    return next(float(line.split(" ")[1]) for line in lines if line.startswith(name))


def test_a_beat_ages_and_an_ended_part_has_no_age() -> None:
    metrics = Registry()
    heartbeat = Heartbeat(metrics, "log")
    assert heartbeat.age == 0 and math.isnan(_age(metrics, "log"))
    heartbeat.beat()
    time.sleep(0.05)
    assert 0.04 < heartbeat.age < 5 and 0.04 < _age(metrics, "log") < 5
    heartbeat.end()
    assert heartbeat.age == 0 and math.isnan(_age(metrics, "log"))


def test_of_several_processes_the_oldest_beat_counts(tmp_path: Path) -> None:
    first, second = Registry(tmp_path), Registry(tmp_path)
    Heartbeat(first, "models").beat()
    time.sleep(0.1)
    late = Heartbeat(second, "models")
    assert 0.09 < _age(first, "models") < 5  # the second process has not started the part
    late.beat()
    for registry in (first, second):
        assert 0.09 < _age(registry, "models") < 5


@pytest.mark.anyio
async def test_a_blocked_event_loop_is_not_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "INTERVAL", 0.01)
    monkeypatch.setattr(heartbeats, "STALL_SECONDS", 0.3)
    event_loop = EventLoopHeartbeat(Registry())
    assert event_loop.is_live
    event_loop.start()
    seen: list[bool] = []

    def look() -> None:
        time.sleep(0.5)
        seen.append(event_loop.is_live)

    looking = asyncio.get_running_loop().run_in_executor(None, look)
    time.sleep(1)  # blocks the loop
    await looking
    await asyncio.sleep(0.05)
    seen.append(event_loop.is_live)
    event_loop.stop()
    assert seen == [False, True]
