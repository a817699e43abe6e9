"""A row of a file is answered as by `POST /predict`, to the digit, whatever the format of the file."""

import csv
import json
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pytest
from pyarrow import parquet

from app.rest.application import RestApplication
from app.scoring.scorer import LoadedScorer
from tests.known import KEY
from tests.scale.jobs import beers as random_beers
from tests.scale.jobs import errors, predictions, score

ROWS = 600


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return random_beers(ROWS)


@pytest.fixture(scope="module")
async def expected(
    application: RestApplication, rows: list[dict[str, Any]], anyio_backend_module: str
) -> dict[int, Any]:
    """By row: what the REST API answers to it; its problems if it is invalid."""
    found: dict[int, Any] = {}
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        for number, row in enumerate(rows, 1):
            response = await client.post("/predict", json={key: row[key] for key in row if key != "id"})
            body = response.json()
            found[number] = body if response.status_code == 200 else body["errors"]
    return found


@pytest.fixture(scope="module")
def anyio_backend_module() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_array(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows, indent=1))


def write_table(path: Path, rows: list[dict[str, Any]], separator: str = ",", quoting: Any = csv.QUOTE_MINIMAL) -> None:
    names = sorted({name for row in rows for name in row})
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=separator, quoting=quoting)
        writer.writerow(names)
        for row in rows:
            cells = [row.get(name, "") for name in names]
            cells = [json.dumps(cell) if isinstance(cell, list) else cell for cell in cells]
            writer.writerow(
                [str(c).replace(".", ",") if separator == ";" and isinstance(c, float) else c for c in cells]
            )


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows, _schema(rows)), path, row_group_size=100)


def _schema(rows: list[dict[str, Any]]) -> pyarrow.Schema:
    names: dict[str, Any] = {}
    for row in rows:
        names.update({name: value for name, value in row.items() if value != []})
    return pyarrow.schema({name: pyarrow.array([value]).type for name, value in names.items()})


FORMATS = {
    "lines": write_lines,
    "array": write_array,
    "table": write_table,
    "quoted": lambda path, rows: write_table(path, rows, quoting=csv.QUOTE_ALL),
    "semicolons": lambda path, rows: write_table(path, rows, ";"),
    "parquet": write_parquet,
}


@pytest.mark.anyio
@pytest.mark.parametrize("format", FORMATS)
async def test_a_row_is_answered_as_by_the_rest_api(
    format: str, tmp_path: Path, rows: list[dict[str, Any]], expected: dict[int, Any], beers: LoadedScorer
) -> None:
    FORMATS[format](tmp_path / "beers", rows)
    outcome = score(beers, [tmp_path / "beers"], tmp_path / "out")
    good = {row: answer for row, answer in expected.items() if isinstance(answer, dict)}
    assert 300 < len(good) < ROWS
    assert (outcome.counts.rows, outcome.counts.answered) == (ROWS, len(good))
    for line in predictions(tmp_path / "out"):
        number = line.pop("row")
        assert line.pop("id") == f"b{number - 1}"
        assert line == good.pop(number), rows[number - 1]
    assert not good
    assert errors(tmp_path / "out") == {row: found for row, found in expected.items() if not isinstance(found, dict)}
