"""The paginated endpoint, against a real HTTP server on 127.0.0.1."""

import time

import pytest

from app.platform import punk_api
from app.platform.punk_api import PER_PAGE
from tests.brewery import brewery
from training.errors import SourceError
from training.sources import read_recipes
from training.sources.http_pages import HttpPages


def test_pages_are_read_until_an_empty_one(dataset):
    with brewery(list(dataset.recipes)) as server:
        result = read_recipes(f"{server.address}/beers?api_key=secret")
    assert result.recipes == dataset.recipes
    assert server.requested == [f"/beers?page={page}&per_page={PER_PAGE}" for page in (1, 2, 3)]
    assert result.source == f"{server.address}/beers"


@pytest.mark.parametrize("trouble", [500, 503, 429, "cut", "slow"])
def test_transient_failures_are_retried_with_increasing_pauses(trouble):
    pauses = []
    with brewery([{"id": 1}], trouble, trouble) as server:
        result = list(HttpPages(server.address, timeout_s=0.2, pause=pauses.append).recipes())
    assert result == [{"id": 1}]
    assert pauses == [0.5, 1.0]


@pytest.mark.parametrize(
    "troubles, message",
    [
        ([b'[{"id": 1}]', 500, 500, 500, 500], r"page 2: status 500 \(4 attempts at 127.0.0.1\)"),
        ([404], "page 1: status 404"),
        ([302], "page 1: status 302"),
        ([b"<html>"], "page 1: not JSON"),
        ([b"[" * 100_000], "page 1: not JSON"),
        ([b'{"error": 1}'], "page 1: not a JSON array but dict"),
    ],
)
def test_permanent_failures_name_the_page(troubles, message):
    with brewery([], *troubles) as server, pytest.raises(SourceError, match=message):
        list(HttpPages(server.address, pause=lambda _: None).recipes())


def test_a_server_without_pagination_is_rejected():
    with brewery([{"id": 1}], unpaged=True) as server, pytest.raises(SourceError, match="page 2: same rows"):
        list(HttpPages(server.address).recipes())


def test_an_unreachable_server_is_reported():
    with brewery([]) as server:
        address = server.address
    with pytest.raises(SourceError, match="page 1: .*refused"):
        list(HttpPages(address, pause=lambda _: None).recipes())


def test_an_endless_page_and_endless_pages_are_errors(monkeypatch):
    monkeypatch.setattr(punk_api, "MAX_PAGE_BYTES", 3)
    with brewery([{"id": 1}]) as server, pytest.raises(SourceError, match="page 1: larger than 3 bytes"):
        list(HttpPages(server.address).recipes())
    monkeypatch.setattr(punk_api, "MAX_PAGE_BYTES", 10_000)
    monkeypatch.setattr(punk_api, "MAX_PAGES", 1)
    with brewery([{"id": 1}]) as server, pytest.raises(SourceError, match="page 1: not empty"):
        list(HttpPages(server.address).recipes())


def test_a_slow_page_times_out():
    pauses = []
    with brewery([{"id": 1}], "slow") as server:
        started = time.monotonic()
        list(HttpPages(server.address, timeout_s=0.2, pause=pauses.append).recipes())
    assert time.monotonic() - started < 3 and pauses == [0.5]


def test_the_environments_proxy_is_not_used(monkeypatch):
    with brewery([{"id": 1}]) as server:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert list(HttpPages(server.address).recipes()) == [{"id": 1}]


def test_a_name_and_a_password_in_the_address_are_sent_and_not_shown():
    with brewery([{"id": 1}]) as server:
        dataset = read_recipes(server.address.replace("http://", "http://ann:p%40ss@"))
    assert "ann" not in dataset.source and server.credentials == {"Basic YW5uOnBAc3M="}


def test_an_impossible_address_is_an_error_of_the_source():
    with pytest.raises(SourceError, match="page 1: Invalid port"):
        list(HttpPages("http://127.0.0.1:x/beers").recipes())


def test_other_schemes_are_file_names():
    with pytest.raises(SourceError, match="cannot be read"):
        read_recipes("ftp://127.0.0.1/beers")
