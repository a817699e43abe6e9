"""With --model, a row is answered as by the Open Inference Protocol, to the digit."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pyarrow
import pytest
from pyarrow import parquet

from app.composition.domains import load_manager
from app.domains.beer.api import BeerApi
from app.domains.beer.inputs import INPUTS
from app.domains.iris import IrisApi
from app.errors import ScoringError
from app.scoring.scorer import Model, load_scorer
from app.settings import ModelSettings
from tests.known import KEY
from tests.rest_application import rest_application
from tests.scale.jobs import errors, predictions, score

ROWS = 150


def rows_of(name: str, inputs: list[str]) -> list[dict[str, Any]]:
    """Random rows, some of them implausible, incomplete or invalid."""
    chance = random.Random(name)
    return [{"id": f"r{number}", **_row(chance, inputs)} for number in range(ROWS)]


def _row(chance: random.Random, inputs: list[str]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name in inputs:
        declared = INPUTS.get(name)
        if declared is None:
            row[name] = round(chance.uniform(0, 9), 1)
            continue
        high = declared.random_high or declared.high
        row[name] = round(chance.uniform(declared.low, high), 2)
        if declared.optional and chance.random() < 0.3:
            del row[name]
    if "target_og" in row:
        row |= {"target_fg": chance.randint(1000, 1020), "target_og": chance.randint(1020, 1090), "abv": 6.5}
    kind, name = chance.random(), inputs[0]
    if kind < 0.1:
        row[name] = chance.choice([-1.0, 1e6, 1e300])
    elif kind < 0.15:
        del row[name]
    return row


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["iris", "beer-ibu", "beer-ibu-recipe", "beer-ibu-style"])
@pytest.mark.parametrize("format", ["jsonl", "parquet"])
async def test_a_row_is_answered_as_by_the_open_inference_protocol(
    name: str, format: str, tmp_path: Path, model_settings: ModelSettings
) -> None:
    loaded = load_scorer(model_settings, Model(name))
    rows = rows_of(name, list(loaded.scorer.fields))
    source = tmp_path / "rows"
    if format == "jsonl":
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        schema = {"id": pyarrow.string(), **dict.fromkeys(loaded.scorer.fields, pyarrow.float64())}
        parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(schema)), source)
    score(loaded, [source], tmp_path / "out", model=Model(name), format=format)
    found = {line["row"]: line for line in predictions(tmp_path / "out")}
    bad = errors(tmp_path / "out")
    domain, manager = load_manager(model_settings, IrisApi if name == "iris" else BeerApi)
    transport = httpx.ASGITransport(rest_application(manager, domain(manager)))
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        for number, row in enumerate(rows, 1):
            inputs = [
                {"name": key, "shape": [1, 1], "datatype": "FP32", "data": [value]}
                for key, value in row.items()
                if key != "id"
            ]
            response = await client.post(f"/v2/models/{name}/infer", json={"inputs": inputs})
            if response.status_code != 200:
                assert bad.pop(number), response.text
                continue
            answer = response.json()
            line = found.pop(number)
            assert line["id"] == row["id"]
            for output in answer["outputs"]:
                data = output["data"] if isinstance(line[output["name"]], list) else output["data"][0]
                assert line[output["name"]] == data, number
            warnings = json.loads(answer.get("parameters", {}).get("warnings", "[]"))
            assert line["warnings"] == [{k: v for k, v in warning.items() if k != "row"} for warning in warnings]
    assert not found and not bad


def test_a_model_that_takes_no_numbers_or_does_not_exist_is_refused(model_settings: ModelSettings) -> None:
    with pytest.raises(ScoringError, match="not columns of numbers"):
        load_scorer(model_settings, Model("cat-dog"))
    with pytest.raises(ScoringError, match="no model 'ale'"):
        load_scorer(model_settings, Model("ale"))
    with pytest.raises(ScoringError, match="no version 77"):
        load_scorer(model_settings, Model("iris", "77"))


def test_what_is_wrong_with_a_row_is_named(tmp_path: Path, model_settings: ModelSettings) -> None:
    loaded = load_scorer(model_settings, Model("iris"))
    good = dict.fromkeys(loaded.scorer.fields, 1.0)
    rows = [
        good,
        {**good, "sepal_width": 31},
        {**good, "sepal_width": "1"},
        {**good, "x": 1},
        {"sepal_width": 2.0},
        [1],
    ]
    (tmp_path / "rows").write_text("".join(json.dumps(row) + "\n" for row in rows))
    score(loaded, [tmp_path / "rows"], tmp_path / "out", model=Model("iris"))
    assert [line["row"] for line in predictions(tmp_path / "out")] == [1]
    found = errors(tmp_path / "out")
    assert {row: [(e["field"], e["code"]) for e in problems] for row, problems in found.items()} == {
        2: [("sepal_width", "out_of_bounds")],
        3: [("sepal_width", "not_a_number")],
        4: [("x", "unknown_column")],
        5: [(name, "finite_number") for name in loaded.scorer.fields if name != "sepal_width"],
        6: [("row", "not_an_object")],
    }
    assert found[2][0]["reason"] == "must be 0 to 30"
