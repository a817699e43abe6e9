"""Files of other formats: one error that names the format."""

import gzip
import io
import json
import zipfile

import pytest

from app.batch.columns import columns_of
from app.batch.rows import read_rows
from app.domains.beer.schema import Beer
from app.errors import InputError
from tests.known import BEER

COLUMNS = columns_of(Beer, {})


def archive(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name in names:
            whole.writestr(name, "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "x" * 999)
    return file.getvalue()


FILES = {
    "is an Excel workbook (.xlsx)": archive("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"),
    "is an OpenDocument spreadsheet (.ods)": archive("mimetype", "content.xml"),
    "is a zip archive": archive("beers.csv"),
    "is gzip within gzip": gzip.compress(gzip.compress(b"abv,target_og,target_fg\n5,1050,1010\n")),
    "is PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "is an old Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500,
    "is Parquet": b"PAR1\x15\x04\x15",
    "is HTML": b"\n<!DOCTYPE html>\n<html><body>abv,target_og</body></html>",
    "is BeerXML": b'<?xml version="1.0" encoding="ISO-8859-1"?>\n<RECIPES><RECIPE><NAME>B\xe4r</NAME></RECIPE>',
    "is XML": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "is JSON null": b"null\n",
    "is a JSON number": b"17",
    "is JSON true": b"true",
    "is a JSON string": b'"abv,target_og,target_fg"',
    "is a binary file": b"abv\x00\x01\x02\x03",
    "is a picture (PNG)": b"\x89PNG\r\n\x1a\n",
    "is JSON by column": json.dumps({name: {"0": value, "1": value} for name, value in BEER.items()}).encode(),
    "is one JSON object without any field of a row": json.dumps({"beers": [BEER, BEER]}, indent=2).encode(),
    "is neither JSON nor a table": b"Dear all,\n\nplease find the beers below.\n",
}


@pytest.mark.parametrize("reason", FILES)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_of_another_format_is_one_error_that_names_it(reason: str, compressed: bool) -> None:
    data = gzip.compress(FILES[reason]) if compressed and "gzip" not in reason else FILES[reason]
    with pytest.raises(InputError) as caught:
        read_rows(data, COLUMNS)
    (problem,) = caught.value.problems
    assert (problem.field, problem.code) == ("file", "unsupported_format")
    assert problem.reason.startswith(reason)
    assert problem.reason.endswith(
        "a file of rows is a JSON array, JSON objects one after the other, or CSV with a header"
    )


def test_one_object_of_a_batch_on_one_line_is_recognized_as_well() -> None:
    with pytest.raises(InputError, match="is one JSON object without any field of a row"):
        read_rows(json.dumps({"beers": [BEER]}).encode(), COLUMNS)
