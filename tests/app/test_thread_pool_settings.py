"""The settings of the thread pool, each through the program that the settings build."""

import asyncio
import threading
from pathlib import Path

import pytest

from app.composition.program import build
from app.domains.discovery import discover
from app.errors import Overloaded
from app.settings import load_settings
from tests.known import KEY

pytestmark = pytest.mark.anyio
PATIENCE = 10.0
SIZE, QUEUE = 3, 1


async def test_the_pool_has_the_threads_and_the_queue_of_their_settings(
    plain_environment: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"API_KEY": KEY, "MODEL_URI": models, "THREAD_POOL_SIZE": SIZE, "THREAD_POOL_QUEUE": QUEUE}
    for name, value in values.items():
        monkeypatch.setenv(name, str(value))
    pool = build(load_settings(), discover()).thread_pool
    running, release = threading.Semaphore(0), threading.Event()

    def work(_: None) -> None:
        running.release()
        release.wait(PATIENCE)

    tasks = [asyncio.create_task(pool.run(work, None)) for _ in range(SIZE + QUEUE)]
    try:
        for _ in range(SIZE):
            assert await asyncio.to_thread(running.acquire, timeout=PATIENCE)
        assert not await asyncio.to_thread(running.acquire, timeout=0.1), "more threads than THREAD_POOL_SIZE"
        with pytest.raises(Overloaded):
            await pool.run(work, None)
    finally:
        release.set()
        await asyncio.gather(*tasks)
