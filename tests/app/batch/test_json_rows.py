"""Rows in JSON: invalid ones are reported in order, and a file that is no JSON as a whole is one error."""

import json

import pytest

from app.batch.columns import columns_of
from app.batch.row import Row
from app.batch.rows import read_rows
from app.domains.beer.schema import Beer
from app.errors import InputError

COLUMNS = columns_of(Beer, {})


def codes(data: bytes) -> list[object]:
    """The alcohol of each row, or the code of its problem."""
    return [row.problems[0].code if row.values is None else row.values["abv"] for row in read_rows(data, COLUMNS)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"abv": 1}\n{"abv": \n[1]\n{"abv": 2}', [1, "json_invalid", "not_an_object", 2]),
        (b'{"abv": 1}{"abv": 2} x\n\xff\n{"id": "\\ud800"}\n{"abv": 3}', [1, 2, *["json_invalid"] * 3, 3]),
        (b'{"abv": 1, "target_og":\n{"abv": 2}\n{"abv": 3}', ["json_invalid", 2, 3]),  # the first line is truncated
        (b'{"abv": x}\n{"abv": 2}', ["json_invalid", 2]),
        (b'{\n"abv": 1\n}\n\n{"abv":\n2}{"abv": 3}\n{"abv": \n}\n{"abv": 4}', [1, 2, 3, "json_invalid"]),
        (b'[{"abv": 1}, 7, null, {"abv": 2}]', [1, "not_an_object", "not_an_object", 2]),
    ],
)
def test_an_invalid_row_is_reported_in_order(data: bytes, expected: list[object]) -> None:
    assert codes(data) == expected


def test_what_follows_an_invalid_object_with_line_breaks_is_not_passed_over_in_silence() -> None:
    last = list(read_rows(b'{\n"abv": 1\n}\n{\n"abv": x\n}\n{\n"abv": 2\n}', COLUMNS))[-1]
    assert "what follows is not read" in last.problems[0].reason


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_one_object_is_one_row_with_line_breaks_or_without(indent: int | None) -> None:
    beer = {"abv": 5.6, "hops": [{"name": "Magnum", "amount_g": 30}]}
    assert list(read_rows(json.dumps(beer, indent=indent).encode(), COLUMNS)) == [Row(beer)]


@pytest.mark.parametrize(
    "data", [b"[1, ", b'[{"a": 1}] x', b"[" * 100_000, b'{\n"abv": 1,\n"target_og": }\n', b'{\n"abv": 1,\n"a": 2']
)
def test_an_invalid_document_is_one_error_with_its_position(data: bytes) -> None:
    with pytest.raises(InputError, match=r"\(at line [0-9]+ column [0-9]+\)") as caught:
        read_rows(data, COLUMNS)
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("file", "json_invalid")]


REPEATED = b'{"abv": 5, "target_og": 1050, "abv": 6, "hops": [{"name": "a:b", "name": "c"}]}'


@pytest.mark.parametrize("data", [REPEATED, REPEATED * 2, b'{"abv": 1}\n' + REPEATED, REPEATED.replace(b",", b",\n")])
def test_a_row_with_a_key_twice_is_invalid(data: bytes) -> None:
    last = list(read_rows(data, COLUMNS))[-1]
    assert [(problem.field, problem.code) for problem in last.problems] == [
        ("abv", "repeated_key"),
        ("hops.0.name", "repeated_key"),
    ]


def test_an_array_with_a_key_twice_is_rejected_and_the_row_is_named() -> None:
    with pytest.raises(InputError) as caught:
        read_rows(b'[{"abv": 5, "yeast": "a:\\"b"}, ' + REPEATED + b"]", COLUMNS)
    assert [problem.field for problem in caught.value.problems] == ["2.abv", "2.hops.0.name"]
    clean = b'[{"abv": 5, "yeast": "a: \\"abv\\": 1"}, {"abv": 6}]'
    assert [row.problems for row in read_rows(clean, COLUMNS)] == [(), ()]
