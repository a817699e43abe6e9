"""The HTTP function under the cloud's own runtime client."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cloud.events import balancer, created, http_api, mapped, rest_api, staged, staged_1_0
from tests.cloud.runtime import Runtime
from tests.known import BEER, KEY

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")

HANDLER = "app.aws_lambda.http.handler"
KINDS: list[Callable[..., dict[str, Any]]] = [http_api, rest_api, balancer]
FUZZED = 1000


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """The function, started once."""
    runtime = Runtime(HANDLER, tmp_path_factory.mktemp("function"), API_KEY=KEY, DOCS_ENABLED="false")
    yield runtime
    runtime.close()


@pytest.mark.parametrize("kind", KINDS)
def test_an_event_is_answered_like_a_request(function: Runtime, kind: Callable[..., dict[str, Any]]) -> None:
    answer = function.invoke(kind("POST", "/predict", json.dumps(BEER), **{"x-api-key": KEY})).body
    assert answer["statusCode"] == 200
    assert {"ibu", "interval", "model", "warnings"} <= json.loads(answer["body"]).keys()
    assert function.invoke(kind("GET", "/health/ready")).body["statusCode"] == 200
    assert function.invoke(kind("GET", "/docs")).body["statusCode"] == 401


@pytest.mark.parametrize("stage", ["prod", "v2", "predict"])
def test_a_stage_or_a_base_path_is_no_part_of_the_path(function: Runtime, stage: str) -> None:
    key = {"x-api-key": KEY}
    for method, path, body in (("POST", "/predict", json.dumps(BEER)), ("GET", "/v2/health/ready", None)):
        http, rest = http_api(method, path, body, **key), rest_api(method, path, body, **key)
        for event in (staged(http, stage), staged_1_0(rest, stage), mapped(rest, stage)):
            assert function.invoke(event).body["statusCode"] == 200, (event, path)
    assert function.invoke(staged(http_api("GET", "", **key), stage)).body["statusCode"] == 404


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_is_sent_as_text_and_not_as_base64(function: Runtime, kind: Callable[..., dict[str, Any]]) -> None:
    rejected = function.invoke(kind("POST", "/predict", json.dumps(BEER))).body
    assert rejected["statusCode"] == 401 and json.loads(rejected["body"])["code"] == "not_authenticated"
    wrong = function.invoke(kind("POST", "/predict", json.dumps({**BEER, "abv": 99}), **{"x-api-key": KEY})).body
    assert wrong["statusCode"] == 422 and json.loads(wrong["body"])["errors"][0]["field"] == "abv"


def test_a_request_that_exceeds_the_time_is_answered_with_a_timeout(function: Runtime) -> None:
    batch = http_api("POST", "/predict/batch", json.dumps({"beers": [BEER] * 1000}), **{"x-api-key": KEY})
    late = function.invoke(batch, seconds=0.1).body
    assert late["statusCode"] == 504 and json.loads(late["body"])["code"] == "too_late"
    assert function.invoke(batch).body["statusCode"] == 200


@pytest.mark.parametrize("event", [{}, [], None, "text", created("beers", ["cleaned/1"]), {"version": "2.0"}])
def test_an_event_of_another_kind_is_an_error_that_repeats_nothing_of_it(function: Runtime, event: Any) -> None:
    outcome = function.invoke(event)
    assert outcome.kind == "error"
    assert outcome.body["errorType"] == "EventError"
    assert outcome.body["errorMessage"].startswith("not a supported HTTP event")


def _mutated(random: Random, value: Any) -> Any:
    """The value with one change."""
    if isinstance(value, dict) and value and random.random() < 0.8:
        key = random.choice(list(value))
        if random.random() < 0.2:
            return {item: value[item] for item in value if item != key}
        return {**value, key: _mutated(random, value[key])}
    if isinstance(value, list) and value and random.random() < 0.8:
        position = random.randrange(len(value))
        return [_mutated(random, item) if index == position else item for index, item in enumerate(value)]
    return random.choice(
        [None, True, -1, 1e308, "", "\x00", "\ud800", "ü" * 50, "a" * 5000, [], {}, [None], {"a": {}}, "%%", "{", "2.0"]
    )


def test_a_thousand_fuzzed_events_crash_nothing_and_the_key_is_in_no_log(function: Runtime) -> None:
    random, process = Random(7), function.process.pid
    right = {"x-api-key": KEY, "content-type": "application/json"}
    kinds = {"response": 0, "error": 0}
    for _ in range(FUZZED):
        event: Any = random.choice(KINDS)("POST", random.choice(["/predict", "/model"]), json.dumps(BEER), **right)
        for _ in range(random.randint(1, 4)):
            event = _mutated(random, event)
        outcome = function.invoke(event)
        kinds[outcome.kind] += 1
        if outcome.kind == "response":
            assert outcome.body["statusCode"] < 500, event
        else:
            assert outcome.body["errorType"] == "EventError", (event, outcome)
    assert min(kinds.values()) > FUZZED / 20  # both outcomes occurred
    assert function.process.poll() is None and function.process.pid == process
    assert function.invoke(http_api("POST", "/predict", json.dumps(BEER), **right)).body["statusCode"] == 200
    assert KEY not in function.output


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no key": ({}, "SettingsError", "API_KEY is missing"),
    "no bundles": ({"API_KEY": KEY, "MODEL_URI": "nowhere"}, "BundleError", "no bundle here"),
    "not approved": ({"API_KEY": KEY, "MODEL_SHA256": "0" * 64}, "BundleError", "not an approved bundle"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_failed_start_is_reported_to_the_cloud_with_its_reason(tmp_path: Path, case: str) -> None:
    settings, kind, message = WRONG[case]
    runtime = Runtime(HANDLER, tmp_path, **settings)
    try:
        outcome = runtime.outcome()
        assert (outcome.kind, outcome.body["errorType"]) == ("init", kind)
        assert message in outcome.body["errorMessage"]
        assert runtime.process.wait(30) == 1
        assert not runtime.ready.is_set()
    finally:
        runtime.close()
