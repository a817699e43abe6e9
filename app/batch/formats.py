"""Recognizes files of other formats by how they begin, so that the error names the format."""

from pydantic_core import from_json

ACCEPTED = "a file of rows is a JSON array, JSON objects one after the other, or CSV with a header"
_BEGINNINGS = {
    b"%PDF-": "PDF",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook or another Office document (.xls)",
    b"\x1f\x8b": "gzip within gzip",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"PAR1": "Parquet",
    b"ORC": "ORC",
    b"Obj\x01": "Avro",
    b"ARROW1": "Arrow (Feather)",
    b"SQLite format 3\x00": "an SQLite database",
    b"\x89HDF\r\n": "HDF5",
    b"\x93NUMPY": "a NumPy array",
    b"\x80\x04\x95": "a Python pickle",
    b"\x80\x05\x95": "a Python pickle",
    b"{\\rtf": "RTF",
    b"\x89PNG\r\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF8": "a picture (GIF)",
    b"RIFF": "a picture or a sound (RIFF)",
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_HTML = (b"<!doctype html", b"<head", b"<body", b"<table", b"<div", b"<p>")
_HEAD = 1000
"""Bytes of a file that show its format."""
_NAMES = 100_000
"""Bytes at each end of a zip archive that name its parts."""
_MAX_SCALAR = 10_000
"""Size of a file up to which it is looked at as a single JSON value."""


def other_format(text: bytes) -> str | None:
    """Return what a file is, for a sentence "is ...", if it is none of the accepted formats; None if it may be one.

    Args:
        text: The file, decompressed and without a byte order mark.
    """
    if text.startswith(_ZIP):
        return _kind_of_zip(text[:_NAMES] + text[-_NAMES:])
    for beginning, name in _BEGINNINGS.items():
        if text.startswith(beginning):
            return name
    if text[257:262] == b"ustar":
        return "a tar archive"
    head = text[:_HEAD].strip()
    if head.startswith(b"<"):
        return _kind_of_markup(head.lower())
    if b"\x00" in head:
        return "a binary file"
    return _json_value(text)


def _kind_of_zip(names: bytes) -> str:
    if b"xl/" in names:
        return "an Excel workbook (.xlsx); save it as 'CSV UTF-8'"
    if b"opendocument.spreadsheet" in names:
        return "an OpenDocument spreadsheet (.ods); save it as CSV"
    return "a zip archive"


def _kind_of_markup(head: bytes) -> str:
    if head.startswith(_HTML) or b"<html" in head:
        return "HTML"
    return "BeerXML" if b"<recipes" in head or b"<recipe>" in head else "XML"


def _json_value(text: bytes) -> str | None:
    """Recognize a single JSON value that is neither an array nor an object."""
    if len(text) > _MAX_SCALAR or text.lstrip()[:1] in (b"[", b"{"):
        return None
    try:
        value = from_json(text)
    except ValueError:
        return None
    if isinstance(value, str):
        return "a JSON string"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a JSON number"
    return f"JSON {str(value).lower()}" if value is not None else "JSON null"
