"""Lines of records: how the arrays of a run become JSON."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from app.bundle.manifest import Input, Manifest, Output
from app.runtime.predictor import Array, Arrays

MAX_COLUMNS = 64
"""Maximum number of numbers per row of one output; an output that has more is not recorded."""


@dataclass(frozen=True, slots=True)
class Run:
    """Rows that were answered together."""

    manifest: Manifest
    """Manifest of the version that answered."""
    time: float
    """When, seconds since the epoch."""
    inputs: Arrays
    """As they entered the graph."""
    outputs: Mapping[str, Array]
    """As they left it."""
    request_ids: Sequence[bytes]
    """Id of each row's request; one, if all rows are of one request."""
    rows: Sequence[int]
    """Index of each row in its request."""
    warnings: Sequence[tuple[int, Mapping[str, object]]]
    """Index of the row in this run, and a warning."""
    texts: Sequence[Mapping[str, object]]
    """Names in the request of each row; empty if they are not recorded."""
    places: Sequence[int]
    """Index of each row in the model's run."""
    size: int
    """Number of rows in the model's run, of which these may be a part."""


class Layout:
    """Names of the inputs and outputs of one version in a record."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the layout.

        Args:
            manifest: Manifest of a version for which `is_recordable` is true.
        """
        self._model = {"model": manifest.name, "version": manifest.version}
        self._packed = manifest.packed
        self._inputs = [declared.name for declared in manifest.inputs]
        self._outputs = [(each.name, columns_of(each)) for each in manifest.outputs if columns_of(each)]

    def lines(self, run: Run) -> Iterator[bytes]:
        """Return the line of each row."""
        ids = [each.decode("ascii") for each in run.request_ids]
        if len(ids) == 1:
            ids *= len(run.rows)
        codes: dict[int, list[object]] = {}
        for index, warning in run.warnings:
            codes.setdefault(index, []).append(warning.get("code"))
        moment, names = timestamp(run.time), self._inputs
        outputs = self._values(run.outputs)
        for index, values in enumerate(self._rows(run)):
            line: dict[str, Any] = {
                "time": moment,
                "request_id": ids[index],
                "row": run.rows[index],
                **self._model,
                "inputs": {
                    name: value if value == value else None  # NaN differs from itself
                    for name, value in zip(names, values, strict=True)
                },
                "outputs": {name: value if (value := column[index]) == value else None for name, column in outputs},
                "warnings": codes.get(index, []),
                "run": [run.places[index], run.size],
            }
            if run.texts:
                line["text"] = run.texts[index]
            yield to_json(line, inf_nan_mode="strings") + b"\n"

    def _rows(self, run: Run) -> Sequence[Sequence[Any]]:
        if self._packed is not None:
            rows: Sequence[Sequence[Any]] = run.inputs[self._packed].tolist()
            return rows
        missing = [float("nan")] * len(run.rows)
        columns = [run.inputs[name].ravel().tolist() if name in run.inputs else missing for name in self._inputs]
        return list(zip(*columns, strict=True))

    def _values(self, outputs: Mapping[str, Array]) -> list[tuple[str, list[Any]]]:
        """Return the name and the values of each column of the outputs."""
        values: list[tuple[str, list[Any]]] = []
        for name, columns in self._outputs:
            array = outputs[name]
            if array.ndim < 2 or array.shape[1] == 1:
                values.append((name, array.ravel().tolist()))
            else:
                values += zip(columns, array.T.tolist(), strict=True)
        return values


def is_recordable(manifest: Manifest) -> bool:
    """Whether a row of a version is one number per input. Pictures, for example, are not recorded."""
    return manifest.packed is not None or all(_is_number(each) for each in manifest.inputs)


def timestamp(seconds: float) -> str:
    """Return a time in UTC as RFC 3339 with microseconds.

    Args:
        seconds: Seconds since the epoch.
    """
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1e6):06d}Z"


def output_names(manifest: Manifest) -> list[str]:
    """Names of the outputs of a version in a record; `NAME.0` and so on for an output with several numbers in a row."""
    return [column for output in manifest.outputs for column in columns_of(output)]


def _is_number(declared: Input) -> bool:
    return declared.shape in ((-1,), (-1, 1)) and declared.datatype != "BYTES"


def columns_of(output: Output) -> list[str]:
    """Names of an output's columns in a record; empty if it is not recorded."""
    if output.datatype == "BYTES":
        return []
    if output.shape in ((-1,), (-1, 1)):
        return [output.name]
    if len(output.shape) == 2 and 1 < output.shape[1] <= MAX_COLUMNS:
        return [f"{output.name}.{column}" for column in range(output.shape[1])]
    return []
