"""The function that a delivery calls to clean its records, under the cloud's own runtime client."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.cloud.events import delivery
from tests.cloud.runtime import Runtime
from tests.known import BEER

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")

HANDLER = "app.aws_lambda.transform.handler"
GOOD = json.dumps({"id": 1, "name": "One", "ibu": 40, **BEER}).encode()
NO_LABEL = json.dumps({"id": 2, **BEER}).encode()
POISON = b'{"id": 3'


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """The function, started once: without a key, a model or a store."""
    runtime = Runtime(HANDLER, tmp_path_factory.mktemp("function"))
    yield runtime
    runtime.close()


def counts(function: Runtime) -> dict[str, Any]:
    """The line of counts of the last call."""
    line: dict[str, Any] = json.loads([line for line in function.output.splitlines() if '"_aws"' in line][-1])
    return line


def cleaned(function: Runtime, records: Sequence[bytes]) -> list[dict[str, Any]]:
    outcome = function.invoke(delivery(records))
    assert outcome.kind == "response", function.output
    results: list[dict[str, Any]] = outcome.body["records"]
    return results


def test_each_record_id_has_one_result(function: Runtime) -> None:
    event = delivery([GOOD, NO_LABEL, POISON])
    results = function.invoke(event).body["records"]
    assert [(each["recordId"], each["result"]) for each in results] == [
        (record["recordId"], result)
        for record, result in zip(event["records"], ("Ok", "Dropped", "ProcessingFailed"), strict=True)
    ]
    assert all(set(each) == {"recordId", "result", "data"} for each in results)
    line = json.loads(base64.b64decode(results[0]["data"]))
    assert (line["id"], line["ibu"], line["received"]) == ("1", 40.0, "2026-11-27T16:00:00.123Z")
    assert [base64.b64decode(each["data"]) for each in results[1:]] == [NO_LABEL, POISON]


def test_counts_are_metrics_and_add_up(function: Runtime) -> None:
    cleaned(function, [GOOD, GOOD, NO_LABEL, POISON, b"[]", b"\xff"])
    line = counts(function)
    (metrics,) = line["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == ("BeerModel", [["function"]])
    figures = {each["Name"]: line[each["Name"]] for each in metrics["Metrics"]}
    assert figures == {"Clean": 2, "Dropped": 1, "Failed": 3} and line["function"] == "beer-model"
    assert line["reasons"] == {"dropped:no_label": 1, "failed:not_an_object": 1, "failed:not_json": 2}


def test_a_record_gives_the_same_line_alone_again_and_in_any_company(function: Runtime) -> None:
    (alone,) = cleaned(function, [GOOD])
    crowd = cleaned(function, [POISON, GOOD, NO_LABEL, GOOD])
    assert crowd[1]["data"] == crowd[3]["data"] == alone["data"]


def test_data_that_is_not_base64_fails_alone(function: Runtime) -> None:
    event = delivery([GOOD, GOOD])
    event["records"][0]["data"] = "no base64!"
    first, second = function.invoke(event).body["records"]
    assert (first["result"], first["data"], second["result"]) == ("ProcessingFailed", "no base64!", "Ok")


@pytest.mark.parametrize("event", [{}, [], {"records": {}}, {"records": [{}]}, {"records": [{"recordId": 1}]}])
def test_an_event_of_another_kind_is_an_error(function: Runtime, event: Any) -> None:
    outcome = function.invoke(event)
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "EventError")
    assert function.invoke({"records": []}).body == {"records": []}


def test_labels_may_be_optional(tmp_path_factory: pytest.TempPathFactory) -> None:
    runtime = Runtime(HANDLER, tmp_path_factory.mktemp("optional"), CLEANED_LABELS="optional")
    try:
        (kept,) = cleaned(runtime, [NO_LABEL])
        assert kept["result"] == "Ok" and "ibu" not in json.loads(base64.b64decode(kept["data"]))
    finally:
        runtime.close()
