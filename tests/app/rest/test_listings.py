"""Listings over REST: what a client may keep, and how it asks again."""

import httpx
import pytest

from app.rest.application import RestApplication

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/varieties", "/styles"])
async def test_a_client_that_has_the_list_gets_no_second_copy(client: httpx.AsyncClient, path: str) -> None:
    first = await client.get(path)
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.headers["cache-control"] == "private, max-age=3600"
    tag = first.headers["etag"]
    for known in tag, f"W/{tag}", f'"other", {tag}', "*":
        again = await client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "private, max-age=3600")
    other = await client.get(path, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


async def test_a_list_needs_a_key_as_the_description_of_a_model_does(application: RestApplication) -> None:
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as stranger:
        assert [(await stranger.get(path)).status_code for path in ("/varieties", "/styles", "/model")] == [401] * 3


async def test_a_name_from_a_list_is_understood_in_a_request(client: httpx.AsyncClient) -> None:
    variety = (await client.get("/varieties")).json()["varieties"][0]
    style = (await client.get("/styles")).json()["styles"][0]
    beer = {
        "target_og": 1.05,
        "target_fg": 1.01,
        "hops": [{"name": variety["name"], "amount_g": 20, "boil_minutes": 60}],
        "style": style["code"],
    }
    answer = (await client.post("/predict", json=beer)).json()
    assumed = {each["field"]: each["value"] for each in answer["assumptions"]}
    assert assumed["hops.0.alpha_acid"] == variety["alpha_typical"]
    assert answer["style"]["name"] == style["name"]
    assert (answer["style"]["bitterness"]["low"], answer["style"]["bitterness"]["high"]) == tuple(style["ibu"].values())
