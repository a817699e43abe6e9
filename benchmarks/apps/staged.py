"""The service with a timer around each stage of a request; at exit it writes the durations to STAGES_FILE as JSON.

A timer costs a quarter of a microsecond, which the enclosing stage includes. Use the figures as shares, not as rates.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from app.access.keys import KeyRing
from app.cli.main import main
from app.domains.beer.api import BeerApi
from app.domains.beer.predictions import PredictionBuilder
from app.models.metrics import ModelMetrics
from app.rest.operations import OperationHandler
from app.rest.request_metrics import RequestMetrics
from app.runtime.onnx import OnnxPredictor
from app.serving.protocol import BoundedHttpProtocol
from app.serving.uvicorn_internals import RequestResponseCycle
from app.serving.write_coalescing import CoalescingTransport
from app.telemetry.logs import RequestLog

durations: defaultdict[str, list[int]] = defaultdict(list)


def timed(owner: Any, name: str, stage: str) -> None:
    """Put a timer around a function or method."""
    inner: Callable[..., Any] = getattr(owner, name)

    def outer(*arguments: Any, **named: Any) -> Any:
        start = perf_counter_ns()
        try:
            return inner(*arguments, **named)
        finally:
            durations[stage].append(perf_counter_ns() - start)

    setattr(owner, name, outer)


def timed_send() -> None:
    """Put a timer around `send`, which does not block here."""
    inner = RequestResponseCycle.send

    async def outer(self: RequestResponseCycle, message: Any) -> None:
        start = perf_counter_ns()
        await inner(self, message)
        durations[f"send: {message['type']}"].append(perf_counter_ns() - start)

    RequestResponseCycle.send = outer  # type: ignore[method-assign]


def timed_handler() -> None:
    """Put timers around the schema's validator and serializer."""
    inner = OperationHandler.__init__

    def outer(self: OperationHandler, *arguments: Any, **named: Any) -> None:
        inner(self, *arguments, **named)
        timed(self, "_read_json", "schema: validate")
        timed(self, "_to_json", "schema: serialize")

    OperationHandler.__init__ = outer  # type: ignore[method-assign]


if __name__ == "__main__":
    timed(BoundedHttpProtocol, "data_received", "parse and start")
    timed(KeyRing, "authenticate", "key")
    timed(BeerApi, "predict_each", "domain API, total")
    timed(OnnxPredictor, "predict", "domain API: predictor")
    timed(ModelMetrics, "observe", "domain API: model metrics")
    timed(PredictionBuilder, "predictions", "domain API: predictions, warnings, metrics")
    timed(RequestMetrics, "ended", "request metrics")
    timed(RequestLog, "record", "access log: record")
    timed(RequestLog, "_flush", "access log: write")
    timed(CoalescingTransport, "_flush", "response written")
    timed_send()
    timed_handler()
    sys.argv = ["app"]
    try:
        main()
    finally:
        stages = {stage: {"calls": len(ns), "median_us": median(ns) / 1000} for stage, ns in durations.items()}
        Path(os.environ["STAGES_FILE"]).write_text(json.dumps(stages))
