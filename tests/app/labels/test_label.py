"""Labels as lines of JSON."""

import json
from math import isnan, nan
from typing import Any

import numpy as np
import pytest

from app.labels.label import from_line, to_line
from tests.labels import FIELDS, label


def test_a_line_has_the_fields_of_the_label() -> None:
    line = to_line(label(note="café \u2028\n"))
    assert json.loads(line) == {**FIELDS, "note": "café \u2028\n"}
    assert line.count(b"\n") == 1 and line.endswith(b"\n")
    assert json.loads(to_line(label())) == FIELDS


def test_figures_read_back_to_the_same_bits_and_what_is_not_told_to_nan() -> None:
    told = [np.float32(value).item() for value in (0.1, 5.6, 1e-30, 1.0 / 3.0, 123456.789)]
    inputs = {f"input_{index}": value for index, value in enumerate(told)} | {"ph": nan}
    read = from_line(to_line(label(inputs=inputs, outputs={"ibu": told[3]}, model="m", version="2")))
    assert read.inputs is not None and read.outputs is not None
    assert [np.float32(value) for value in list(read.inputs.values())[:-1]] == [np.float32(each) for each in told]
    assert isnan(read.inputs["ph"])
    assert read.is_joined and not label().is_joined


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "guessed"},
        {"ibu": None},
        {"ibu": True},
        {"ibu": "41"},
        {"row": -1},
        {"row": 1.5},
        {"time": "yesterday"},
        {"time": 7},
        {"id": None},
        {"inputs": [1.0]},
        {"inputs": {"abv": "five"}},
        {"request_id": 7},
        {"note": {}},
    ],
    ids=str,
)
def test_a_line_with_a_wrong_value_is_no_label(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        from_line(json.dumps({**FIELDS, **changed}).encode())


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"null", b'{"time":', b"\xff", b'"' + b"a" * 70_000, b"[" * 60_000, b'{"ibu": NaN}'],
    ids=range(9),
)
def test_a_line_of_something_else_is_no_label(line: bytes) -> None:
    with pytest.raises(ValueError):
        from_line(line)
