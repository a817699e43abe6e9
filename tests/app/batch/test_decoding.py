"""The text of files: compressed and encoded ones, and the errors of those that are damaged."""

import gzip

import pytest

from app.batch.decoding import check_utf8, text_of
from app.batch.row import Limits
from app.errors import InputError


def _nothing() -> None:
    """Check nothing."""


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (b"\x1f\x8b" + b"\x00" * 30, "gzip_invalid", "is not valid gzip"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], "gzip_invalid", "truncated"),
        ("abv".encode("utf-32"), "not_utf8", "is UTF-32"),
        ("abv,target_og\n".encode("utf-16-le"), "not_utf8", "is UTF-16 without a byte order mark"),
        ("abv,target_og\n".encode("utf-16-be"), "not_utf8", "is UTF-16 without a byte order mark"),
        (b"\xff\xfea", "not_utf16", "is not UTF-16"),
    ],
)
def test_a_damaged_or_unsupported_file_is_one_error_that_says_what_it_is(data: bytes, code: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        text_of(data, Limits(), _nothing)
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("file", code)]


@pytest.mark.parametrize("begin", [65_530, 65_535, 65_536, 65_537, 200_000])
def test_an_invalid_character_is_found_wherever_it_is_and_its_line_is_named(begin: int) -> None:
    text = ("ä\n" * begin).encode()[: begin // 3 * 3]
    check_utf8(text, _nothing)
    with pytest.raises(InputError, match=rf"is not UTF-8 \(at line {text.count(10) + 1}\)"):
        check_utf8(text + b"B\xe4r\n" + text, _nothing)
    with pytest.raises(InputError, match=rf"is not UTF-8 \(at line {text.count(10) + 1}\)"):
        check_utf8(text + b"\xc3", _nothing)
