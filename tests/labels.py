"""Labels for tests."""

from datetime import UTC, datetime
from typing import Any

from app.labels.label import Label

TIME = datetime(2026, 11, 27, 16, 0, 0, 123456, UTC)
FIELDS: dict[str, Any] = {
    "time": "2026-11-27T16:00:00.123456Z",
    "id": "0f",
    "request_id": "abc-1",
    "row": 0,
    "model": None,
    "version": None,
    "inputs": None,
    "outputs": None,
    "ibu": 41.0,
    "kind": "measured",
}
"""The line of a label, as a value of JSON."""


def label(**fields: Any) -> Label:
    """A label of a request, with some fields replaced."""
    values: dict[str, Any] = {**FIELDS, "time": TIME, "note": None, **fields}
    return Label(**values)
