"""The batch transport: each row is answered as if it were alone, in order, and invalid rows are reported."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.batch.answers import CHUNK_ROWS, Answers, BatchTransport
from app.domains.beer.api import BeerApi
from app.domains.beer.schema import Beer
from app.errors import ModelNotReady, TooLate
from tests.known import BEER
from tests.model_manager import model_manager

HOPS = [{"name": "Magnum", "amount_g": 30, "boil_minutes": 60}]


@pytest.fixture(scope="module")
def transport(domain: BeerApi) -> BatchTransport:
    return BatchTransport(domain.operations[0])


def answered(transport: BatchTransport, rows: list[Any], left: Callable[[], float] = lambda: 60.0) -> Answers:
    return transport.answer(json.dumps(rows).encode(), left)


def lines(text: bytearray) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.decode().splitlines()]


def test_each_row_is_answered_as_if_it_were_alone_in_order_and_by_name(
    transport: BatchTransport, domain: BeerApi
) -> None:
    beers = [{**BEER, "abv": 3.0 + number / 500} for number in range(CHUNK_ROWS + 7)]
    beers[3] = {**beers[3], "hops": HOPS}
    rows = [{"id": f"b{number}", "name": "Ä", "ibu": 40, **beer} for number, beer in enumerate(beers)]
    answers = answered(transport, rows)
    assert (answers.rows, answers.bad, bytes(answers.errors)) == (len(rows), 0, b"")
    records = lines(answers.predictions)
    assert [(line["row"], line["id"]) for line in records] == [(n + 1, f"b{n}") for n in range(len(rows))]
    for number in (0, 3, CHUNK_ROWS, CHUNK_ROWS + 6):
        alone = domain.predict(Beer.model_validate(beers[number]))
        assert records[number] == {"row": number + 1, "id": f"b{number}", "name": "Ä", **alone}


@pytest.mark.anyio
@pytest.mark.parametrize(
    "row", [{"abv": 5, "target_fg": 1010}, {**BEER, "target_og_plato": 12}, {**BEER, "hops": 5}, {**BEER, "hops": [5]}]
)
async def test_a_problem_is_listed_once_and_worded_as_by_the_rest_api(
    row: dict[str, Any], transport: BatchTransport, client: httpx.AsyncClient
) -> None:
    answers = answered(transport, [{"id": "b1", "name": "Ä", "ibu": 40, **row}])
    response = await client.post("/predict", json=row)
    assert lines(answers.errors) == [{"row": 1, "errors": response.json()["errors"]}]


def test_invalid_rows_are_reported_by_field_and_reason_without_their_values(transport: BatchTransport) -> None:
    secret = "a-value-of-theirs"
    bad = [
        {**BEER, "abv": 71, "target_og": 1010, "target_fg": 1050},
        {"abv": 5},
        {**BEER, "target_og": 1010, "target_fg": 1050},
        {**BEER, "explain": True},
        {**BEER, "ph": secret},
        {**BEER, f"<{secret[:2]}>": 1},
        7,
        {**BEER, "ebc": None, "srm": None, "ph": None},
        {**BEER, "reference": [{**BEER, "ibu": 30}]},
    ]
    answers = answered(transport, bad)
    records = lines(answers.errors)
    assert [line["row"] for line in records] == [1, 2, 3, 4, 5, 6, 7, 9]
    assert [[e["field"] for e in line["errors"]] for line in records] == [
        ["abv", "target_fg"],
        ["target_og", "target_fg"],
        ["target_fg"],
        ["explain"],
        ["ph"],
        ["?a-?"],
        ["row"],
        ["reference"],
    ]
    assert [line["row"] for line in lines(answers.predictions)] == [8]
    assert (answers.rows, answers.bad) == (9, 8)
    assert secret not in answers.errors.decode()


def test_problems_and_warnings_name_the_column_of_the_table(transport: BatchTransport) -> None:
    header = "name,abv,target_og,target_fg,yeast,hop1_name,hop1_amount_g,hop2_name,hop2_amount_g,hop2_boil_minutes\n"
    table = f"""{header}A,5.6,1056,1013,1056,,,Nobody's hop,20,60
B,5.6,1_056,2000,1056,Magnum,20,Magnum,ten,-60
C,5.6,1056,1013,1056,Magnum,20,,,
"""
    answers = transport.answer(table.encode(), lambda: 60.0)
    (prediction,) = lines(answers.predictions)
    assert (prediction["row"], prediction["name"]) == (1, "A")
    assert [w["field"] for w in prediction["warnings"] if w["code"] == "unknown_hop"] == ["hop2_name"]
    assert prediction["assumptions"][0]["field"] == "batch_volume_l"
    assert [[(e["field"], e["code"]) for e in line["errors"]] for line in lines(answers.errors)] == [
        [
            ("target_og", "not_a_number"),
            ("hop2_amount_g", "not_a_number"),
            ("target_fg", "gravity"),
            ("hop2_boil_minutes", "greater_than_equal"),
            ("hop1_stage", "stage_or_minutes"),
        ],
        [("hop1_stage", "stage_or_minutes")],
    ]


def test_a_faulty_header_is_one_error_and_not_one_of_each_row(transport: BatchTransport) -> None:
    table = b"sty<b>le,abv,target_og,target_fg,abv\n" + b"IPA,5.6,1056,1013,5.6\n" * 10
    answers = transport.answer(table, lambda: 60.0)
    (line,) = lines(answers.errors)
    assert line["row"] == 0 and [e["field"] for e in line["errors"]] == ["abv", "sty?b?le"]
    assert (answers.rows, bytes(answers.predictions)) == (0, b"")


@pytest.mark.parametrize("name", ["id", "name"])
def test_what_is_copied_is_text_or_a_number(transport: BatchTransport, name: str) -> None:
    answers = answered(transport, [{**BEER, name: [[]] * 1000}, {**BEER, name: 7}, {**BEER, name: None}])
    (line,) = lines(answers.errors)
    assert (line["row"], line["errors"][0]["field"], line["errors"][0]["code"]) == (1, name, "not_a_scalar")
    assert [prediction[name] for prediction in lines(answers.predictions)] == [7, None]


def test_an_unreadable_file_is_one_error(transport: BatchTransport) -> None:
    answers = transport.answer(b"[1, ", lambda: 60.0)
    assert lines(answers.errors)[0]["row"] == 0 and lines(answers.errors)[0]["errors"][0]["field"] == "file"
    assert (answers.rows, bytes(answers.predictions)) == (0, b"")


def test_the_same_file_gives_the_same_bytes(transport: BatchTransport) -> None:
    rows = [{**BEER, "id": float("inf")}, {"abv": 1}, BEER]
    assert answered(transport, rows) == answered(transport, rows)
    assert lines(answered(transport, rows).predictions)[0]["id"] is None


def test_when_the_time_is_up_the_file_is_rejected_as_a_whole(transport: BatchTransport) -> None:
    left = iter([1.0, -0.1])
    with pytest.raises(TooLate):
        answered(transport, [BEER] * (CHUNK_ROWS + 1), lambda: next(left))
    assert answered(transport, [BEER] * CHUNK_ROWS, lambda: 1.0).rows == CHUNK_ROWS


def test_an_unavailable_model_is_not_an_error_of_the_rows() -> None:
    with pytest.raises(ModelNotReady):
        answered(BatchTransport(BeerApi(model_manager(BeerApi)).operations[0]), [BEER])


def test_an_operation_on_single_items_only_is_rejected(domain: BeerApi) -> None:
    with pytest.raises(ValueError, match="explain cannot be run for many"):
        BatchTransport(domain.operations[1])
