"""The shadow: answers stay the same to the byte, differences are counted, a bad version is stopped."""

import logging
import threading
import time
from typing import Any

import pytest

from app.domains.beer.api import VITALS
from app.errors import InvalidOutput, ModelNotReady, Overloaded, TooLate
from app.runtime.predictor import Array, Arrays, Predictor
from tests.rollouts import BEER, TRIGGERED, Service

pytestmark = pytest.mark.anyio
N = 20
"""Runs within which a bad version must be stopped."""


async def _bodies(service: Service, calls: int) -> list[tuple[bytes, Any]]:
    answers = []
    for number in range(calls):
        response = await service.client.post(
            "/predict", json={**BEER, "abv": 4.0 + number / 10}, headers={"X-Request-ID": f"call-{number}"}
        )
        answers.append((response.content, response.headers.multi_items()))
    return answers


def _compared(service: Service, version: str) -> float:
    return service.figure("model_rollout_difference", part="+Inf", version=version) + sum(
        service.figure("model_rollout_difference", part=f"{bound:g}", version=version)
        for bound in (0.001, 0.01, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
    )


async def test_answers_are_unchanged_to_the_byte_and_differences_are_counted(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.traffic")
    before = await _bodies(service, 10)
    service.begin("3", "shadow", max_difference=1e6)
    assert await _bodies(service, 10) == before
    service.wait_until(lambda: _compared(service, "3") == 10)
    assert service.figure("model_rollout_difference", part="sum", version="3") == pytest.approx(200, abs=0.01)
    assert service.figure("model_rollout_runs_total", version="3", result="ok") == 10
    assert service.figure("model_rollout_share_ratio", version="3", mode="shadow") == 1
    assert service.figure("model_predictions_total", version="3") == 0
    service.watcher.stop()
    messages = [record.getMessage() for record in caplog.records]
    assert any("3 differs from version 1 by 20 in request call-" in message for message in messages)
    (largest,) = [message for message in messages if "the largest differences from version 1: 20 (request" in message]
    assert len({call for call in range(10) if f"(request call-{call})" in largest}) == 5


async def test_requests_that_are_answered_together_keep_their_ids(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """Micro-batching goes on: one run has the rows of several requests, and the log names the right one."""
    import asyncio

    caplog.set_level(logging.INFO, "app.traffic")
    service.begin("5", "shadow", max_errors=100)
    beers = [{**BEER, "abv": 5.0 + number / 10} for number in range(8)]
    ids = [{"X-Request-ID": f"call-{number}"} for number in range(8)]
    await asyncio.gather(*(service.predict(beer, **id) for beer, id in zip(beers, ids, strict=True)))
    executions = service.figure("model_executions_total", version="1")
    service.wait_until(lambda: _compared(service, "5") == 8)
    assert executions < 8 and service.traffic.request_ids == {}
    await service.predict(TRIGGERED, **{"X-Request-ID": "the-bad-one"})
    service.wait_until(lambda: service.figure("model_rollout_runs_total", version="5", result="failed") == 1)
    assert any(
        "fails as shadow: output ibu is not a number, in request the-bad-one" in r.message for r in caplog.records
    )


@pytest.mark.parametrize(
    ("version", "bounds", "kind"),
    [
        ("3", {"max_difference": 10.0}, "difference"),
        ("4", {"max_latency": 0.02}, "latency"),
        ("5", {}, "errors"),
        ("6", {}, "errors"),
    ],
)
async def test_a_bad_shadow_is_stopped_and_nobody_notices(
    service: Service, version: str, bounds: dict[str, Any], kind: str
) -> None:
    expected = await service.predict(TRIGGERED)
    service.begin(version, "shadow", window=N, **bounds)
    for _ in range(N):
        assert await service.predict(TRIGGERED) == expected
    service.wait_until(lambda: service.traffic.current is None)
    assert service.figure("model_rollout_stopped_total", version=version, reason=kind) == 1
    assert service.stopped() and not service.manager.get(VITALS).observers


async def test_what_finds_the_pool_busy_is_dropped_and_counted(service: Service) -> None:
    service.begin("2", "shadow")
    service.pool.taken += 2  # calls take every thread
    await service.versions(5)
    assert service.figure("model_rollout_runs_total", version="2", result="dropped") == 5
    service.pool.taken -= 2
    await service.versions(1)
    service.wait_until(lambda: service.figure("model_rollout_runs_total", version="2", result="ok") == 1)


async def test_a_full_queue_drops_and_holds_a_bounded_number(service: Service) -> None:
    service.begin("2", "shadow")
    free = threading.Event()
    for _ in range(2):
        service.pool._threads.submit(free.wait)
    try:
        await service.versions(100)
        assert service.figure("model_rollout_runs_total", version="2", result="dropped") == 100 - 64
    finally:
        free.set()
    service.wait_until(lambda: service.figure("model_rollout_runs_total", version="2", result="ok") == 64)


async def test_a_share_of_the_runs_is_repeated(service: Service) -> None:
    service.begin("2", "shadow", share=0.25)
    await service.versions(200)
    service.wait_until(lambda: service.figure("model_rollout_runs_total", version="2", result="ok") >= 20)
    service.watcher.stop()
    assert service.figure("model_rollout_runs_total", version="2") <= 80


async def test_the_open_protocol_and_batches_are_repeated_too(service: Service) -> None:
    service.begin("3", "shadow", max_difference=1e6)
    inputs = [{"name": n, "datatype": "FP32", "shape": [1, 1], "data": [v]} for n, v in BEER.items()]
    response = await service.client.post(f"/v2/models/{VITALS}/infer", json={"inputs": inputs})
    assert response.json()["model_version"] == "1"
    response = await service.client.post("/predict/batch", json={"beers": [BEER] * 3})
    assert {each["model"]["version"] for each in response.json()["predictions"]} == {"1"}
    service.wait_until(lambda: _compared(service, "3") == 4)


async def test_a_batch_is_one_request_among_those_with_the_largest_differences(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.traffic")
    service.begin("3", "shadow", max_difference=1e6)
    for call in range(3):
        headers = {"X-Request-ID": f"call-{call}"}
        await service.client.post("/predict/batch", json={"beers": [BEER] * 10}, headers=headers)
    service.wait_until(lambda: _compared(service, "3") == 30)
    service.watcher.stop()
    (largest,) = [r.getMessage() for r in caplog.records if "the largest differences" in r.getMessage()]
    assert [largest.count(f"(request call-{call})") for call in range(3)] == [1, 1, 1] and largest.count("request") == 3


class _Remote(Predictor):
    """A model server that answers with an error, after 2 ms."""

    remote = True

    def __init__(self, predictor: Predictor, error: Exception) -> None:
        super().__init__(predictor.manifest)
        self.error = error
        self.ready = True

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        end = time.thread_time() + 0.002
        while time.thread_time() < end:
            pass
        raise self.error


@pytest.mark.parametrize(
    ("error", "ready", "kind"),
    [
        (ModelNotReady(), True, "errors"),  # as when the candidate fails inside the server
        (InvalidOutput("ibu"), True, "errors"),
        (TooLate(), True, "latency"),
        (Overloaded(), True, ""),
        (ModelNotReady(), False, ""),
    ],
)
async def test_what_a_model_server_cannot_answer_counts_if_it_is_the_candidates_fault(
    service: Service, error: Exception, ready: bool, kind: str
) -> None:
    service.begin("2", "shadow", max_latency=0.001, window=2)
    assert service.traffic.current is not None
    candidate = service.traffic.current.by_name[VITALS].candidate
    candidate.predictor = _Remote(candidate.predictor, error)
    candidate.predictor.ready = ready
    await service.versions(4)
    dropped = 0 if kind == "errors" else 1
    service.wait_until(
        lambda: (
            (service.traffic.current is None) == bool(kind)
            and service.figure("model_rollout_runs_total", version="2", result="dropped") >= dropped
        )
    )
    if kind:
        assert service.figure("model_rollout_stopped_total", version="2", reason=kind) == 1
