"""Lambda function that a delivery calls to clean its records: Amazon Data Firehose's data transformation.

    {"records": [{"recordId", "data", "approximateArrivalTimestamp", "kinesisRecordMetadata"?}, ...]}    the event
    {"records": [{"recordId", "result": "Ok" | "Dropped" | "ProcessingFailed", "data"}, ...]}            the result

The result contains every record id of the event once, in the same order. Dropped and failed records are in ``raw/`` as
well; failed records are also delivered to the prefix of errors.
"""

import base64
import binascii
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import to_json

from app.aws_lambda.context import Context, EventError
from app.platform.transformation import Outcome, transform
from app.settings import load_transform_settings
from app.telemetry.logs import configure_logging

RESULTS = {"clean": "Ok", "dropped": "Dropped", "failed": "ProcessingFailed"}
"""What Firehose calls each kind of outcome."""
NAMESPACE = "BeerModel"
"""Namespace of the metrics ``Clean``, ``Dropped`` and ``Failed``, which the line of each call states (CloudWatch's
embedded metric format)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = 0, 32_503_680_000_000
"""Times of arrival that are believed, milliseconds since the epoch."""

_settings = load_transform_settings()
configure_logging(_settings.log_level)


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Clean the records of a delivery.

    Args:
        event: The event of a delivery.
        context: The context of the invocation.

    Returns:
        The records by their ids, each with its result.

    Raises:
        EventError: If the event is of another kind; the delivery tries again, and keeps the records as failed.
    """
    records = _records(event)
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    answers = []
    for record in records:
        outcome = _outcome(record)
        counts[outcome.kind] += 1
        if outcome.reason:
            reasons[f"{outcome.kind}:{outcome.reason}"] += 1
        data = base64.b64encode(outcome.line).decode() if outcome.kind == "clean" else record["data"]
        answers.append({"recordId": record["recordId"], "result": RESULTS[outcome.kind], "data": data})
    _write_counts(context.function_name, counts, reasons)
    return {"records": answers}


def _records(event: Any) -> list[dict[str, Any]]:
    records = event.get("records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise EventError("not an event of a delivery: see records")
    for number, record in enumerate(records):
        if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in ("recordId", "data")):
            raise EventError(f"not an event of a delivery: see records.{number}")
    return records


def _outcome(record: dict[str, Any]) -> Outcome:
    try:
        data = base64.b64decode(record["data"], validate=True)
    except (binascii.Error, ValueError):
        return Outcome("failed", "not_base64")
    return transform(data, _received(record), _settings.cleaned_labels == "required")


def _received(record: dict[str, Any]) -> str | None:
    """When the stream got a record: the same however often the delivery sends it."""
    stream = record.get("kinesisRecordMetadata")
    for source in (stream if isinstance(stream, dict) else {}, record):
        milliseconds = source.get("approximateArrivalTimestamp")
        if isinstance(milliseconds, int) and _EARLIEST < milliseconds < _LATEST:
            arrived = _EPOCH + timedelta(milliseconds=milliseconds)
            return arrived.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return None


def _write_counts(function: str, counts: Counter[str], reasons: Counter[str]) -> None:
    """Write the counts as one line, which the cloud takes for metrics."""
    figures = {kind.capitalize(): counts[kind] for kind in RESULTS}
    names = [{"Name": name, "Unit": "Count"} for name in figures]
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [_metrics(names)]}
    line = {"_aws": about, "function": function, **figures, "reasons": dict(sorted(reasons.items()))}
    print(to_json(line).decode(), flush=True)


def _metrics(names: list[dict[str, str]]) -> dict[str, Any]:
    return {"Namespace": NAMESPACE, "Dimensions": [["function"]], "Metrics": names}
