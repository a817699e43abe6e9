"""A label: the known bitterness of a beer that a model has predicted, and its line in a file of labels."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal, get_args

from app.records.reading import json_numbers, numbers_of

Kind = Literal["stated", "measured"]
"""Where the bitterness comes from: a label or recipe states it, or a laboratory measured it."""
KINDS: tuple[str, ...] = get_args(Kind)
MAX_LINE = 64 * 1024
"""Maximum number of bytes of a line; a longer one is not a label."""


@dataclass(frozen=True, slots=True)
class Label:
    """The known bitterness of one beer that a model has predicted."""

    time: datetime
    """When the label was received, UTC."""
    id: str
    """Identifier. Of several labels with one id, the latest counts."""
    request_id: str | None
    """Id of the request that the model answered; None if the label was sent with a beer."""
    row: int
    """Index of the beer in its request."""
    model: str | None
    """Name of the model that answered; None if it is not known."""
    version: str | None
    """Version of the model; None if it is not known."""
    inputs: Mapping[str, float] | None
    """The model's inputs by name, NaN is missing; None if they are not known."""
    outputs: Mapping[str, float] | None
    """The model's outputs by name; None if they are not known."""
    ibu: float
    """The bitterness, IBU."""
    kind: Kind
    """Where the bitterness comes from."""
    note: str | None = None
    """Remark of the caller."""

    @property
    def is_joined(self) -> bool:
        """Whether model, inputs and outputs are known."""
        return None not in (self.model, self.version, self.inputs, self.outputs)


def to_line(label: Label) -> bytes:
    """Return a label as a line of JSON with its line break.

    Args:
        label: The label.
    """
    fields: dict[str, object] = {
        "time": f"{label.time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "id": label.id,
        "request_id": label.request_id,
        "row": label.row,
        "model": label.model,
        "version": label.version,
        "inputs": _written(label.inputs),
        "outputs": _written(label.outputs),
        "ibu": label.ibu,
        "kind": label.kind,
    }
    if label.note is not None:
        fields["note"] = label.note
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def from_line(line: bytes) -> Label:
    """Read a label from a line of JSON.

    Args:
        line: The line, with or without its line break.

    Returns:
        The label.

    Raises:
        ValueError: If the line is not a label.
    """
    if len(line) > MAX_LINE:
        raise ValueError("longer than a label")
    try:
        fields = json.loads(line)
        label = Label(
            time=_time(fields["time"]),
            id=_text(fields["id"]),
            request_id=_optional_text(fields["request_id"]),
            row=_index(fields["row"]),
            model=_optional_text(fields["model"]),
            version=_optional_text(fields["version"]),
            inputs=_figures(fields["inputs"]),
            outputs=_figures(fields["outputs"]),
            ibu=_figure(fields["ibu"]),
            kind=fields["kind"],
            note=_optional_text(fields.get("note")),
        )
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError("not a label") from error
    if label.kind not in KINDS:
        raise ValueError("a label of no known kind")
    return label


def _written(figures: Mapping[str, float] | None) -> Mapping[str, object] | None:
    return None if figures is None else json_numbers(figures)


def _figures(value: Any) -> dict[str, float] | None:
    return None if value is None else numbers_of(value)


def _figure(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise TypeError("not a figure")
    return float(value)


def _index(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError("not an index")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _optional_text(value: Any) -> str | None:
    return None if value is None else _text(value)


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
