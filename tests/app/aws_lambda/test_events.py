"""Events about files: a bucket's, and those of the bus, the topic and the queue that carry it."""

from typing import Any

import pytest

from app.aws_lambda.context import EventError
from app.aws_lambda.events import created_files
from tests.cloud.events import TEST_EVENT, created, http_api, on_bus, published, published_to_queue, queued

BUCKET, KEY = "beers", "cleaned/2026/11/21/béers 1+2%.csv"
DIRECT = created(BUCKET, [KEY])
BUS = on_bus(BUCKET, KEY)
EVENTS = {
    "a bucket's": DIRECT,
    "EventBridge's": BUS,
    "SNS's": published(DIRECT),
    "SNS's, from EventBridge": published(BUS),
    "SQS's": queued(DIRECT),
    "SQS's, from EventBridge": queued(BUS),
    "SQS's, from SNS": queued(published_to_queue(DIRECT)),
    "SQS's, from SNS, from EventBridge": queued(published_to_queue(BUS)),
    "MinIO's": {"Records": [{**DIRECT["Records"][0], "eventName": "s3:ObjectCreated:Put"}]},
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_created_file_is_found_whichever_way_the_event_came(name: str) -> None:
    assert created_files(EVENTS[name]) == [(BUCKET, KEY)]


def test_the_files_of_several_messages_are_found_in_order() -> None:
    event = queued(created(BUCKET, ["1", "2"]), TEST_EVENT, published_to_queue(created(BUCKET, ["3"])))
    assert [key for _, key in created_files(event)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "event",
    [
        TEST_EVENT,
        published(TEST_EVENT),
        queued(TEST_EVENT, published_to_queue(TEST_EVENT)),
        created(BUCKET, ["cleaned/new folder/", "cleaned/new_$folder$"], size=0),
        on_bus(BUCKET, "cleaned/new folder/", size=0),
        on_bus(BUCKET, KEY, kind="Object Deleted"),
        {"Records": [{**DIRECT["Records"][0], "eventName": "ObjectRemoved:Delete"}]},
    ],
)
def test_test_events_folders_and_removed_files_are_passed_over(event: dict[str, Any]) -> None:
    assert created_files(event) == []


def test_an_empty_file_is_no_folder() -> None:
    assert created_files(created(BUCKET, ["cleaned/empty.csv"], size=0)) == [(BUCKET, "cleaned/empty.csv")]


def _nested(envelopes: int) -> dict[str, Any]:
    event = DIRECT
    for _ in range(envelopes):
        event = queued(event)
    return event


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ({}, "see Records"),
        ([], "see Records"),
        (None, "see Records"),
        (http_api("GET", "/"), "see Records"),
        ({"Records": [{"eventName": "ObjectCreated:Put", "s3": {}}]}, "see Records.0.s3.bucket"),
        (queued({"hello": "secret"}), "see Records"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "secret"}]}, "a message is not JSON"),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "see Records.0.body"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "see detail"),
        (_nested(9), "see Records.0.eventName"),
    ],
)
def test_an_event_of_another_kind_is_an_error_that_names_the_place_only(event: Any, named: str) -> None:
    with pytest.raises(EventError, match="^not an event of S3: .*$") as caught:
        created_files(event)
    assert str(caught.value).endswith(named) and "secret" not in str(caught.value)
