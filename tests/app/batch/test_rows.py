"""Rows of files: every format that a stream or a person writes, plain and compressed."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch import rows
from app.batch.rows import read_rows
from app.errors import InputError, Problem

BEERS: list[dict[str, Any]] = [
    {"id": 1, "name": 'Äpa, the "best"', "abv": 5.6, "target_fg": 1013.0, "ebc": None},
    {"id": 2, "name": "Łager", "abv": 4.0, "target_fg": 1010.5, "ebc": 17.0},
]
LINES = [json.dumps(beer, ensure_ascii=False) for beer in BEERS]
TABLE = 'id,name,abv,target_fg,ebc\r\n1,"Äpa, the ""best""",5.6,1013,\r\n\r\n2,Łager,4,1010.5,17\r\n'
FILES = {
    "array": json.dumps(BEERS),
    "spread array": json.dumps(BEERS, indent=2),
    "lines": "\n".join(LINES),
    "lines with blanks between": "\n\n" + "\r\n \r\n".join(LINES) + "\n",
    "nothing between": "".join(LINES),
    "a blank between": "  ".join(LINES),
    "table": TABLE,
}


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "marked"])
@pytest.mark.parametrize("layout", FILES)
def test_every_format_gives_the_same_rows(layout: str, mark: bytes, compress: Any) -> None:
    rows = list(read_rows(compress(mark + FILES[layout].encode())))
    expected = [{name: value for name, value in beer.items() if value is not None} for beer in BEERS]
    if layout == "table":
        expected = [{**beer, "id": str(beer["id"])} for beer in expected]
    assert [{k: v for k, v in row.items() if v is not None} for row in rows if isinstance(row, dict)] == expected


def test_the_members_of_a_gzip_file_are_concatenated() -> None:
    whole = b"".join(gzip.compress(f"{line}\n".encode()) for line in LINES)
    assert len(list(read_rows(whole))) == 2


def test_an_empty_file_has_no_rows() -> None:
    assert not any(list(read_rows(data)) for data in (b"", b"\n \n", b"[]", gzip.compress(b"")))


def test_an_invalid_row_is_reported_in_order_and_the_others_are_read() -> None:
    rows = list(read_rows(b'{"a": 1}\n{"a": \n[1]\n{"a": 2}{"a": 3} x\n\xff\n{"id": "\\ud800"}\n{"a": 4}'))
    codes = [row.code if isinstance(row, Problem) else row["a"] for row in rows]
    assert codes == [1, "json_invalid", "not_an_object", 2, 3, "json_invalid", "json_invalid", "json_invalid", 4]


def test_a_row_with_too_many_cells_is_invalid_and_one_with_too_few_lacks_values() -> None:
    assert list(read_rows(b"a,b\n1,2,3\n4\nx,nan")) == [
        Problem("row", "wrong_number_of_cells", "has more cells than there are columns"),
        {"a": 4.0},
        {"a": "x", "b": pytest.approx(float("nan"), nan_ok=True)},
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"[1, ", "json_invalid"),
        (b'[{"a": 1}] x', "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b"\x1f\x8b" + b"\x00" * 30, "gzip_invalid"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "gzip_invalid"),
        (b"a,b\n\xff,1", "not_utf8"),
    ],
)
def test_an_unreadable_file_is_rejected_as_a_whole(data: bytes, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_rows(data)
    assert [(p.field, p.code) for p in caught.value.problems] == [("file", code)]


@pytest.mark.parametrize(
    "data", [b"x" * 2000, gzip.compress(b"x" * 2000, mtime=0), gzip.compress(b"x" * 900, mtime=0) * 3]
)
def test_a_file_that_is_too_large_before_or_after_decompression_is_rejected(
    monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(rows, "MAX_FILE_BYTES", 1000)
    with pytest.raises(InputError, match="is larger than 1000 bytes"):
        read_rows(data)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_input_gives_rows_or_an_input_error(data: bytes) -> None:
    for begin in (b"", b"[", b"{", b"a,b\n"):
        try:
            rows = list(read_rows(begin + data))
        except InputError:
            continue
        assert all(isinstance(row, dict | Problem) for row in rows)
