"""Rows of files: every layout that a stream, a program or a person writes, plain and compressed."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.batch.columns import columns_of
from app.batch.row import Limits
from app.batch.rows import read_rows
from app.domains.beer.schema import Beer
from app.errors import InputError

COLUMNS = columns_of(Beer, {"id": "verbatim", "name": "verbatim"}, required=False)
BEERS: list[dict[str, Any]] = [
    {"id": "1", "name": 'Äpa, the "best"', "abv": 5.6, "target_fg": 1013.0, "ebc": None},
    {"id": "2", "name": "Łager", "abv": 4.0, "target_fg": 1010.5, "ebc": 17.0},
]
LINES = [json.dumps(beer, ensure_ascii=False) for beer in BEERS]
FILES = {
    "array": json.dumps(BEERS),
    "spread array": json.dumps(BEERS, indent=2),
    "lines": "\n".join(LINES),
    "lines with blanks between": "\n\n" + "\r\n \r\n".join(LINES) + "\n",
    "nothing between": "".join(LINES),
    "a blank between": "  ".join(LINES),
    "spread objects": "\n".join(json.dumps(beer, indent=2) for beer in BEERS),
    "table": 'id,name,abv,target_fg,ebc\r\n1,"Äpa, the ""best""",5.6,1013,\r\n\r\n2,Łager,4,1010.5,17\r\n',
    "a spreadsheet's table": "sep=;\r\nid;name;abv;target_fg;ebc\r\n"
    '1;"Äpa, the ""best""";5,6;1013;\r\n2;Łager;4;1010,5;17\r\n',
}
ENCODINGS = {"": "utf-8", "marked": "utf-8-sig", "of Windows": "utf-16", "big": "utf-16-be"}


def encoded(text: str, encoding: str) -> bytes:
    return (b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding)


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
@pytest.mark.parametrize("layout", FILES)
def test_every_layout_gives_the_same_rows(layout: str, encoding: str, compress: Any) -> None:
    rows = list(read_rows(compress(encoded(FILES[layout], encoding)), COLUMNS))
    expected = [{name: value for name, value in beer.items() if value is not None} for beer in BEERS]
    assert [{k: v for k, v in (row.values or {}).items() if v is not None} for row in rows] == expected
    assert not any(row.problems for row in rows)


def test_the_members_of_a_gzip_file_are_concatenated() -> None:
    whole = b"".join(gzip.compress(f"{line}\n".encode()) for line in LINES)
    assert len(list(read_rows(whole, COLUMNS))) == 2


def test_an_empty_file_has_no_rows() -> None:
    for data in (b"", b"\n \n", b"[]", gzip.compress(b""), b"\xef\xbb\xbf", b"abv,target_og\n", b"abv\n,,\n"):
        assert not list(read_rows(data, COLUMNS))


@pytest.mark.parametrize(
    "data", [b"x" * 2000, gzip.compress(b"x" * 2000, mtime=0), gzip.compress(b"x" * 900, mtime=0) * 3]
)
def test_a_file_that_is_too_large_before_or_after_decompression_is_rejected(data: bytes) -> None:
    with pytest.raises(InputError, match="is larger than 1000 bytes"):
        read_rows(data, COLUMNS, limits=Limits(file_bytes=1000))


def test_a_file_that_is_too_large_as_utf_8_is_rejected() -> None:
    with pytest.raises(InputError, match="is larger than 1000 bytes"):
        read_rows(("abv\n" + "\u2031" * 450).encode("utf-16"), COLUMNS, limits=Limits(file_bytes=1000))


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_input_gives_rows_or_an_input_error(data: bytes) -> None:
    for begin in (b"", b"[", b"{", b"abv,hop1_name\n", b"\xff\xfe"):
        try:
            rows = list(read_rows(begin + data, COLUMNS))
        except InputError:
            continue
        assert all(row.values is not None or row.problems for row in rows)
