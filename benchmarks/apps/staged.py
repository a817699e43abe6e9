"""The service with a timer around each stage of a request; at its end it writes what they took to STAGES_FILE, as JSON.

A timer costs a quarter of a microsecond and counts into the stage around it: for shares, not for rates.
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

taken: defaultdict[str, list[int]] = defaultdict(list)


def timed(owner: Any, name: str, stage: str) -> None:
    """Put a timer around a function or method."""
    inner: Callable[..., Any] = getattr(owner, name)

    def outer(*arguments: Any, **named: Any) -> Any:
        start = perf_counter_ns()
        try:
            return inner(*arguments, **named)
        finally:
            taken[stage].append(perf_counter_ns() - start)

    setattr(owner, name, outer)


def timed_send() -> None:
    """Put a timer around `send`, which waits for nothing here."""
    inner = RequestResponseCycle.send

    async def outer(self: RequestResponseCycle, message: Any) -> None:
        start = perf_counter_ns()
        await inner(self, message)
        taken[f"send: {message['type']}"].append(perf_counter_ns() - start)

    RequestResponseCycle.send = outer  # type: ignore[method-assign]


def timed_handler() -> None:
    """Put timers around the schema's validator and serializer."""
    inner = OperationHandler.__init__

    def outer(self: OperationHandler, *arguments: Any, **named: Any) -> None:
        inner(self, *arguments, **named)
        timed(self, "_validate", "schema: validate")
        timed(self, "_to_json", "schema: serialize")

    OperationHandler.__init__ = outer  # type: ignore[method-assign]


if __name__ == "__main__":
    timed(BoundedHttpProtocol, "data_received", "parse and start")
    timed(KeyRing, "authenticate", "key")
    timed(BeerApi, "predict_each", "face, all of it")
    timed(OnnxPredictor, "predict", "face: predictor")
    timed(ModelMetrics, "seen", "face: inputs counted")
    timed(PredictionBuilder, "predictions", "face: answers, warnings, figures")
    timed(RequestMetrics, "ended", "request counted")
    timed(RequestLog, "record", "log line")
    timed(RequestLog, "_flush", "log lines written")
    timed(CoalescingTransport, "_flush", "answer sent")
    timed_send()
    timed_handler()
    sys.argv = ["app"]
    try:
        main()
    finally:
        told = {stage: {"calls": len(ns), "median_us": median(ns) / 1000} for stage, ns in taken.items()}
        Path(os.environ["STAGES_FILE"]).write_text(json.dumps(told))
