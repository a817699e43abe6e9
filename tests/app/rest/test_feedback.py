"""``POST /feedback``: labels are checked, stored once, and nothing of them is repeated in an error."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.access.guard import Guard
from app.access.keys import SCOPES, KeyRing, Principal
from app.access.public import PublicModels
from app.domains.beer.api import BeerApi
from app.domains.beer.feedback import EXAMPLES, Feedback, StoredLabel, contradictions_of_feedback, offer_of
from app.errors import InputError
from app.labels.label import Label
from app.labels.reading import read_labels
from app.labels.store import Bounds, LabelStore
from app.labels.writer import LabelWriter
from app.lifecycle import Lifecycle
from app.models.manager import ModelManager
from app.oip.data_plane import DataPlane
from app.rest.api_key import Access
from app.rest.application import Backend, RestApplication, RestOptions
from app.rest.docs import describe
from app.rest.feedback import FeedbackHandler, LabelForm
from app.rest.json_body import json_reader
from app.runtime.memory_budget import MemoryBudget
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.logs import RequestLog
from app.telemetry.metrics import Registry
from tests.known import BEER
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
KEYS = {name: f"a-key-of-{name}-1234567890" for name in (*SCOPES, "second")}
OF_REQUEST = {"request_id": "abc-1", "ibu": 41.0, "kind": "measured"}
OF_BEER = {"beer": BEER, "ibu": 38, "kind": "stated"}


@pytest.fixture(scope="module")
def application(
    manager: ModelManager, domain: BeerApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RestApplication, Path]]:
    """The REST API that takes labels, and the folder that it stores them in."""
    folder = tmp_path_factory.mktemp("labels")
    pool, budget = BoundedThreadPool(), MemoryBudget()
    writer = LabelWriter(LabelStore(folder, Bounds(1000, 10_000_000, 30)), Registry())
    form = LabelForm(Feedback, StoredLabel, partial(offer_of, domain), contradictions_of_feedback, EXAMPLES)
    principals = {
        sha256(key.encode()).digest(): Principal(name, frozenset({"feedback" if name == "second" else name}))
        for name, key in KEYS.items()
    }
    application = RestApplication(
        Backend(manager, [domain], DataPlane(manager, pool), pool, budget),
        Access(Guard(KeyRing(principals)), PublicModels()),
        RequestLog(),
        Lifecycle(),
        RestOptions(feedback=FeedbackHandler(form, writer, pool, budget, 1_000_000)),
    )
    writer.start()
    yield application, folder
    asyncio.run(writer.stop())


@pytest.fixture
def folder(application: tuple[RestApplication, Path]) -> Path:
    """The folder of the labels, which is empty."""
    for path in application[1].glob("feedback-*"):
        path.unlink()
    return application[1]


@pytest.fixture
async def client(application: tuple[RestApplication, Path], folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key of the scope feedback."""
    transport = httpx.ASGITransport(app=application[0])
    headers = {"X-API-Key": KEYS["feedback"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


def stored(folder: Path) -> list[Label]:
    return list(read_labels([folder]))


async def test_a_label_of_a_request_is_stored_and_answered_alike_when_it_is_sent_again(
    client: httpx.AsyncClient, folder: Path
) -> None:
    first = await client.post("/feedback", json=OF_REQUEST)
    again = await client.post("/feedback", json={**dict(reversed(OF_REQUEST.items())), "row": 0.0})
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == 200
    [label] = stored(folder)
    assert first.json() == {"id": label.id}
    assert (label.request_id, label.row, label.ibu, label.kind, label.note) == ("abc-1", 0, 41.0, "measured", None)
    assert not label.is_joined


async def test_a_label_with_a_beer_keeps_what_the_model_answered(
    client: httpx.AsyncClient, domain: BeerApi, folder: Path
) -> None:
    beer = {**BEER, "ph": None, "hops": [{"name": "Magnum", "amount_g": 30, "boil_minutes": 60}]}
    body = {**OF_BEER, "beer": {**beer, "explain": True}, "note": "café 🍺"}
    first, again = [await client.post("/feedback", json=body) for _ in range(2)]
    unexplained = await client.post("/feedback", json={**body, "beer": beer})
    assert first.status_code == 200 and first.json() == again.json() == unexplained.json()
    [label] = stored(folder)
    assert label.is_joined and label.note == "café 🍺" and label.model == "beer-ibu-recipe"
    assert label.inputs is not None and label.outputs is not None
    assert label.inputs["abv"] == pytest.approx(5.6) and label.inputs["ph"] != label.inputs["ph"]
    sent = Feedback.model_validate(body).beer
    assert sent is not None and round(label.outputs["ibu"], 1) == domain.predict(sent)["ibu"]


async def test_labels_of_other_beers_kinds_rows_and_keys_are_other_labels(
    client: httpx.AsyncClient, folder: Path
) -> None:
    bodies: list[dict[str, Any]] = [
        OF_REQUEST,
        {**OF_REQUEST, "kind": "stated"},
        {**OF_REQUEST, "row": 1},
        {**OF_REQUEST, "request_id": "abc-2"},
        OF_BEER,
        {**OF_BEER, "ibu": 39},
        {**OF_BEER, "beer": {**BEER, "abv": 5.7}},
    ]
    ids = {(await client.post("/feedback", json=body)).json()["id"] for body in bodies}
    ids |= {
        (await client.post("/feedback", json=body, headers={"X-API-Key": KEYS["second"]})).json()["id"]
        for body in bodies
    }
    assert len(ids) == len(stored(folder)) == 2 * len(bodies)


async def test_another_label_of_the_same_beer_is_a_conflict_until_it_replaces(
    client: httpx.AsyncClient, folder: Path
) -> None:
    first = await client.post("/feedback", json={**OF_REQUEST, "ibu": 410 / 10})
    conflict = await client.post("/feedback", json={**OF_REQUEST, "ibu": 14})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "label_conflict")
    assert "replace: true" in conflict.json()["detail"]
    for _ in range(2):
        corrected = await client.post("/feedback", json={**OF_REQUEST, "ibu": 14, "replace": True})
        assert (corrected.status_code, corrected.json()) == (200, first.json())
    assert [label.ibu for label in stored(folder)] == [14.0]


@pytest.mark.parametrize("name", ["predict", "metrics", "admin"])
async def test_another_scope_is_not_enough(client: httpx.AsyncClient, name: str, folder: Path) -> None:
    answer = await client.post("/feedback", json=OF_REQUEST, headers={"X-API-Key": KEYS[name]})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert stored(folder) == []


async def test_the_scope_opens_no_other_route(client: httpx.AsyncClient) -> None:
    assert (await client.post("/predict", json=BEER)).status_code == 403
    assert (await client.get("/metrics")).status_code == 403
    assert (await client.get("/feedback")).status_code == 405


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"request_id": None}, "body"),
        ({"beer": BEER}, "body"),
        ({"request_id": "../../etc/passwd"}, "request_id"),
        ({"request_id": "a" * 129}, "request_id"),
        ({"request_id": "abc\n"}, "request_id"),
        ({"request_id": ""}, "request_id"),
        ({"request_id": 7}, "request_id"),
        ({"row": -1}, "row"),
        ({"row": 1000}, "row"),
        ({"row": 1.5}, "row"),
        ({"ibu": None}, "ibu"),
        ({"ibu": -0.1}, "ibu"),
        ({"ibu": 300.1}, "ibu"),
        ({"ibu": "41"}, "ibu"),
        ({"ibu": True}, "ibu"),
        ({"kind": "guessed"}, "kind"),
        ({"kind": None}, "kind"),
        ({"note": "a" * 501}, "note"),
        ({"note": ["a"]}, "note"),
        ({"replace": "yes"}, "replace"),
        ({"time": "2099-01-01T00:00:00Z"}, "time"),
        ({"request_id": None, "beer": BEER, "row": 1}, "body"),
        ({"request_id": None, "beer": BEER, "replace": True}, "body"),
        ({"request_id": None, "beer": {**BEER, "abv": 71}}, "beer.abv"),
        ({"request_id": None, "beer": {**BEER, "target_fg": 1100}}, "beer.target_fg"),
        ({"request_id": None, "beer": {**BEER, "target_fg": 1100}, "ibu": None}, "ibu"),
        ({"request_id": None, "beer": {**BEER, "target_fg": 1100}, "ibu": None}, "beer.target_fg"),
        (
            {"request_id": None, "beer": {**BEER, "reference": [{**BEER, "ibu": 3, "target_fg": 1100}]}},
            "beer.reference.0",
        ),
        ({"request_id": None, "beer": []}, "beer"),
    ],
    ids=str,
)
async def test_an_error_names_the_field_and_nothing_is_stored(
    client: httpx.AsyncClient, changed: dict[str, Any], field: str, folder: Path
) -> None:
    body = {name: value for name, value in {**OF_REQUEST, **changed}.items() if value is not None}
    answer = await client.post("/feedback", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])
    assert stored(folder) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'{"request_id":"a","ibu":NaN,"kind":"stated"}',
        b'{"request_id":"a","ibu":1e999,"kind":"stated"}',
        b'{"request_id":"a","ibu":1,"ibu":2,"kind":"stated"}',
        b'{"request_id":"a","ibu":1,"kind":"stated","note":"\\ud800"}',
        b'{"request_id":"a","ibu":1,"kind":"stated","note":"\xff"}',
        b'{"request_id":"a","ibu":1,"kind":"stated","note":"' + b"secret" * 20_000 + b'"}',
        b"[" * 5000,
    ],
    ids=range(10),
)
async def test_an_odd_body_is_rejected_and_not_repeated(client: httpx.AsyncClient, body: bytes, folder: Path) -> None:
    answer = await client.post("/feedback", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "secret" not in answer.text and stored(folder) == []


async def test_sizes_and_types_are_checked_before_the_body_is_parsed(client: httpx.AsyncClient) -> None:
    large = await client.post("/feedback", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"})
    assert large.status_code == 413
    text = await client.post("/feedback", content=b"{}", headers={"Content-Type": "text/plain"})
    assert text.status_code == 415


@pytest.mark.parametrize(
    "note", ["", "\x00\x1f\u2028\u202e", "𝔘" * 500, '"}\n{"id":"x"}', "\ufdfa" * 500], ids=range(5)
)
async def test_any_text_is_kept_as_it_is(client: httpx.AsyncClient, note: str, folder: Path) -> None:
    assert (await client.post("/feedback", json={**OF_REQUEST, "note": note})).status_code == 200
    assert [label.note for label in stored(folder)] == [note]


def test_without_the_setting_there_is_no_route_and_the_documentation_says_nothing_of_it(
    manager: ModelManager, domain: BeerApi, application: tuple[RestApplication, Path]
) -> None:
    assert "/feedback" not in describe(rest_application(manager, domain).router)["paths"]
    document = describe(application[0].router)
    operation = document["paths"]["/feedback"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Feedback"
    }
    assert operation["security"] and {"200", "401", "403", "409", "413", "415", "422", "503"} <= set(
        operation["responses"]
    )
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        Feedback.model_validate_json(json.dumps(example["value"]))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["request_id", "row", "beer", "ibu", "kind", "note", "replace", "time", "../x"]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(["abc-1", "stated", "measured", BEER, 41.0, 0])))
@hypothesis_settings(max_examples=150)
def test_any_value_is_either_a_label_or_an_error_of_the_table(domain: BeerApi, value: dict[str, Any]) -> None:
    read = json_reader(Feedback, contradictions_of_feedback)
    try:
        offer = offer_of(domain, read(json.dumps(value).encode("utf-8", "surrogatepass")), "key")
    except InputError as error:
        assert error.problems
    else:
        assert 0 <= offer.label.ibu <= 300 and len(offer.label.id) == 32
