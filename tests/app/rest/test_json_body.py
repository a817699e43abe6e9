"""JSON bodies: a byte order mark, keys that occur twice, and all that is wrong with a body at once."""

import json
from typing import Any

import httpx
import pytest

from app.rest.problems import MAX_PROBLEMS
from tests.known import BEER

pytestmark = pytest.mark.anyio
BOM = b"\xef\xbb\xbf"
PACKED = [5.6, 1056, 1013, 17, 8.6, 4.4]
TENSORS = {"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 6], "data": PACKED}]}
HOP = {"name": "Magnum", "amount_g": 12, "boil_minutes": 60}
SWAPPED = {**BEER, "target_og": 1010, "target_fg": 1050}
REPEATED = "is given more than once"


async def errors(client: httpx.AsyncClient, path: str, body: Any) -> list[tuple[str, str]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = await client.post(path, content=content)
    assert answer.status_code == 422
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", BEER),
        ("/explain", BEER),
        ("/predict/batch", {"beers": [BEER] * 100}),
        ("/v2/models/beer-ibu/infer", TENSORS),
        ("/v2/repository/index", {}),
        ("/v2/repository/index", None),
    ],
)
async def test_a_byte_order_mark_before_json_is_ignored(client: httpx.AsyncClient, path: str, body: Any) -> None:
    text = b"" if body is None else json.dumps(body).encode()
    plain, marked = await client.post(path, content=text), await client.post(path, content=BOM + text)
    assert (marked.status_code, marked.content) == (plain.status_code, plain.content) == (200, plain.content)


async def test_a_byte_order_mark_is_ignored_once_and_before_the_text_alone(client: httpx.AsyncClient) -> None:
    text = json.dumps(BEER).encode()
    for body in (BOM + BOM + text, b" " + BOM + text, text + BOM, BOM * 1_000, BOM):
        assert await errors(client, "/predict", body) == [("body", "json_invalid")]


async def test_a_byte_order_mark_counts_for_the_length_of_the_json_part(client: httpx.AsyncClient) -> None:
    text = BOM + json.dumps(TENSORS).encode()
    headers = {"Inference-Header-Content-Length": str(len(text))}
    assert (await client.post("/v2/models/beer-ibu/infer", content=text, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/predict", b'{"abv":5,"target_og":1050,"target_fg":1010,"abv":6}', ["abv"]),
        ("/predict", b'{"abv":5,"target_og":1050,"target_fg":1010,"abv":5,"\\u0061bv":5}', ["abv", "abv"]),
        ("/explain", b'{"abv":5,"target_og":1050,"target_og":1050,"target_fg":1010}', ["target_og"]),
        (
            "/predict",
            b'{"abv":5,"target_og":1050,"target_fg":1010,"hops":[{"name":":","amount_g":1,"stage":"end","name":"c"}]}',
            ["hops.0.name"],
        ),
        (
            "/predict/batch",
            b'{"beers":[{"target_og":1050,"target_fg":1010},{"abv":5,"target_og":1050,"target_fg":1010,"abv":5}]}',
            ["beers.1.abv"],
        ),
        ("/predict/batch", b'{"beers":[],"beers":[{"abv":5,"target_og":1050,"target_fg":1010}]}', ["beers"]),
    ],
)
async def test_a_key_that_occurs_twice_is_rejected_and_named(
    client: httpx.AsyncClient, path: str, body: bytes, expected: list[str]
) -> None:
    assert await errors(client, path, body) == [(field, "repeated_key") for field in expected]


async def test_null_in_a_tensor_is_a_missing_value(client: httpx.AsyncClient) -> None:
    def tensors(*names: str, null: str = "") -> dict[str, Any]:
        values = dict(zip(("abv", "target_og", "target_fg", "ebc", "srm", "ph"), PACKED, strict=True))
        data = {name: None if name == null else values[name] for name in names or values}
        return {
            "inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 6], "data": [[*data.values()]]}]
            if not names
            else [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [data[name]]} for name in names]
        }

    path = "/v2/models/beer-ibu/infer"
    known = ("abv", "target_og", "target_fg", "ebc", "srm")
    expected = (await client.post(path, json=tensors(*known))).json()
    assert expected["outputs"]
    assert (await client.post(path, json=tensors(null="ph"))).json() == expected
    assert (await client.post(path, json=tensors(*known, "ph", null="ph"))).json() == expected
    answer = await client.post(path, json=tensors(null="target_og"))
    assert (answer.status_code, answer.json()["error"]) == (400, "inputs.target_og: row 0: must be a finite number")


async def test_all_wrong_tensors_are_named_at_once(client: httpx.AsyncClient) -> None:
    wrong = [
        {"name": "abv", "datatype": "FP32", "shape": [1, 1], "data": [5, 6]},
        {"name": "ph", "datatype": "FP32", "shape": [1, 1], "data": ["x"]},
    ]
    error = (await client.post("/v2/models/beer-ibu/infer", json={"inputs": wrong})).json()["error"]
    assert error == "inputs.abv: has 2 elements, and its shape takes 1; inputs.ph: has elements that are not FP32"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/models/beer-ibu/infer", json.dumps(TENSORS).encode()[:-1] + b',"inputs":[]}'),
        ("/v2/models/beer-ibu/infer", json.dumps(TENSORS).replace('{"name"', '{"name": "x", "name"').encode()),
        ("/v2/models/beer-ibu/infer", json.dumps(TENSORS).encode()[:-1] + b',"of another server":{"a":1,"a":2}}'),
        ("/v2/repository/index", b'{"ready":true,"ready":false}'),
    ],
)
async def test_a_key_that_occurs_twice_is_rejected_in_the_open_protocol(
    client: httpx.AsyncClient, path: str, body: bytes
) -> None:
    answer = await client.post(path, content=body)
    assert answer.status_code == 400 and REPEATED in answer.json()["error"]


@pytest.mark.parametrize("name", ["Citra: the best", 'a "b": {"b": 1}', "a\\: b", "\u003a\u003a"])
async def test_colons_and_keys_in_strings_are_no_keys(client: httpx.AsyncClient, name: str) -> None:
    beer = {**BEER, "yeast": name, "hops": [{**HOP, "name": name, "alpha_acid": 12}] * 3}
    for text in (json.dumps(beer), json.dumps(beer).replace(":", "\\u003a").replace('"\\u003a', '":')):
        assert (await client.post("/predict", content=text.encode())).status_code == 200


async def test_a_repeated_key_of_the_client_is_named_without_its_characters(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", content='{"<b>\u00fc\\n":1,"<b>\u00fc\\n":1}'.encode())
    repeated = [problem["field"] for problem in answer.json()["errors"] if problem["code"] == "repeated_key"]
    assert repeated == ["?b???"]


async def test_a_batch_learns_all_that_is_wrong_at_once(client: httpx.AsyncClient) -> None:
    hops = [HOP, {**HOP, "amount_g": -1}, {**HOP, "stage": "end"}]
    beers: list[Any] = [BEER, {**BEER, "abv": 71}, SWAPPED, {**SWAPPED, "ph": 1, "more": 1}, {**BEER, "hops": hops}]
    beers += [{**BEER, "explain": True}, {"abv": 5, "target_fg": 1200}, 7]
    expected = {
        ("beers.1.abv", "less_than_equal"),
        ("beers.2.target_fg", "gravities_swapped"),
        ("beers.3.ph", "greater_than_equal"),
        ("beers.3.more", "extra_forbidden"),
        ("beers.3.target_fg", "gravities_swapped"),
        ("beers.4.hops.1.amount_g", "greater_than_equal"),
        ("beers.4.hops.2.stage", "stage_or_minutes"),
        ("beers.5.explain", "not_in_batch"),
        ("beers.6.target_og", "missing"),
        ("beers.7", "model_type"),
        ("beers.0.abv", "repeated_key"),
    }
    text = json.dumps({"beers": beers}).encode().replace(b'{"abv"', b'{"abv": 5, "abv"', 1)
    found = await errors(client, "/predict/batch", text)
    assert set(found) == expected and len(found) == len(expected)


async def test_a_beer_learns_all_that_is_wrong_at_once(client: httpx.AsyncClient) -> None:
    for path in ("/predict", "/explain"):
        found = await errors(client, path, {**SWAPPED, "ph": 1, "hops": [{**HOP, "stage": "end"}]})
        assert found == [
            ("ph", "greater_than_equal"),
            ("target_fg", "gravities_swapped"),
            ("hops.0.stage", "stage_or_minutes"),
        ]
    assert await errors(client, "/predict", {**SWAPPED, "target_og": 5}) == [("target_og", "gravity")]
    assert await errors(client, "/predict", b"[1]") == [("body", "model_type")]


async def test_of_many_errors_the_first_are_listed_and_all_counted(client: httpx.AsyncClient) -> None:
    content = (await client.post("/predict/batch", json={"beers": [SWAPPED] * 30 + [{**BEER, "ph": 1}]})).json()
    assert (len(content["errors"]), content["errors_total"]) == (MAX_PROBLEMS, 31)
    inputs = [{"name": f"x{number}", "datatype": "FP32", "shape": [1], "data": None} for number in range(25)]
    answer = await client.post("/v2/models/beer-ibu/infer", json={"inputs": inputs})
    assert answer.json()["error"].endswith("; and 5 more")
    few = (await client.post("/predict/batch", json={"beers": [SWAPPED] * 20})).json()
    assert len(few["errors"]) == 20 and "errors_total" not in few
