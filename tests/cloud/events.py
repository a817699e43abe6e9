"""Events as the cloud sends them."""

import base64
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-21T10:00:00.000Z",
    "Bucket": "beers",
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR",
}
"""What a bucket sends once its notifications are configured."""


def http_api(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """Return an event of an HTTP API or a function URL: format 2.0."""
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1", "userAgent": "x"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "beer", **headers},
        "requestContext": {"http": http, "stage": "$default"},
        "body": body,
        "isBase64Encoded": False,
    }


def staged(event: dict[str, Any], stage: str) -> dict[str, Any]:
    """Return an HTTP API's event (format 2.0) as its stage of another name than ``$default`` sends it."""
    context, path = event["requestContext"], f"/{stage}{event['rawPath']}"
    return {
        **event,
        "rawPath": path,
        "requestContext": {**context, "stage": stage, "http": {**context["http"], "path": path}},
    }


def staged_1_0(event: dict[str, Any], stage: str) -> dict[str, Any]:
    """Return a REST API's event as an HTTP API's stage sends it in format 1.0."""
    path = f"/{stage}{event['path']}"
    context = {**event["requestContext"], "stage": stage, "path": path}
    return {**event, "version": "1.0", "resource": "$default", "path": path, "requestContext": context}


def mapped(event: dict[str, Any], base: str) -> dict[str, Any]:
    """Return a REST API's event as it comes over a custom domain with a base path."""
    path = f"/{base}{event['path']}"
    context = {**event["requestContext"], "stage": "prod", "path": path}
    return {**event, "path": path, "pathParameters": {"proxy": event["path"][1:]}, "requestContext": context}


def rest_api(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """Return an event of a REST API: format 1.0."""
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "beer", **headers},
        "multiValueHeaders": {"Host": ["beer"], **{name: [value] for name, value in headers.items()}},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"resourcePath": "/{proxy+}", "httpMethod": method, "identity": {"sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def balancer(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """Return an event of an application load balancer."""
    group = "arn:aws:elasticloadbalancing:eu-central-1:0:targetgroup/beer/1"
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "beer", "x-forwarded-for": "192.0.2.1", **headers},
        "body": body or "",
        "isBase64Encoded": False,
    }


def created(bucket: str, keys: Sequence[str], size: int = 1) -> dict[str, Any]:
    """Return an event of S3: objects were created."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "size": size}},
            }
            for key in keys
        ]
    }


def on_bus(bucket: str, key: str, size: int = 1, kind: str = "Object Created") -> dict[str, Any]:
    """Return an event of EventBridge about an object; it does not encode the name."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-21T10:00:00Z",
        "region": "eu-central-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": {"key": key, "size": size, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "0061"},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "192.0.2.1",
            "reason": "PutObject",
        },
    }


def published(message: dict[str, Any]) -> dict[str, Any]:
    """Return an event of SNS with a message."""
    topic = "arn:aws:sns:eu-central-1:111122223333:beers"
    return {
        "Records": [
            {
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{topic}:2bcfbf39",
                "EventSource": "aws:sns",
                "Sns": {"Type": "Notification", "TopicArn": topic, "Message": json.dumps(message)},
            }
        ]
    }


def published_to_queue(message: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a queue's message that a topic sent, without raw delivery."""
    return {
        "Type": "Notification",
        "MessageId": "63a3f6b6-d533-4a47-aef9-fcf5cf758c76",
        "TopicArn": "arn:aws:sns:eu-central-1:111122223333:beers",
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(message),
        "Timestamp": "2026-11-21T10:00:00.000Z",
        "SignatureVersion": "1",
    }


def queued(*bodies: dict[str, Any]) -> dict[str, Any]:
    """Return an event of SQS with a message for each body."""
    return {
        "Records": [
            {
                "messageId": f"059f36b4-87a3-44ab-83d2-66197582{number:04}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:111122223333:beers",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def delivery(
    records: Sequence[bytes], times: Sequence[int] = (), ids: Sequence[str] = (), stream: str = "beers"
) -> dict[str, Any]:
    """Return an event of a delivery (Amazon Data Firehose) that reads a stream and has its records transformed.

    Args:
        records: The records' data.
        times: When the stream got each, milliseconds since the epoch; 2026-11-27T16:00:00.123Z by default.
        ids: Their sequence numbers in the stream.
        stream: Name of the stream.
    """
    times = times or [1795795200123] * len(records)
    ids = ids or [f"4954698{number:049}" for number in range(len(records))]
    return {
        "invocationId": "2b4d1ad9-2f48-94bd-a088-767c317e994a",
        "sourceKinesisStreamArn": f"arn:aws:kinesis:eu-central-1:123456789012:stream/{stream}",
        "deliveryStreamArn": f"arn:aws:firehose:eu-central-1:123456789012:deliverystream/{stream}-cleaned",
        "region": "eu-central-1",
        "records": [
            {
                "recordId": f"{own}000000",
                "approximateArrivalTimestamp": time + 1000,
                "data": base64.b64encode(data).decode(),
                "kinesisRecordMetadata": {
                    "sequenceNumber": own,
                    "subsequenceNumber": 0,
                    "partitionKey": "4d1ad2b9-24f8-4b9d-a088-76e9947c317a",
                    "shardId": "shardId-000000000000",
                    "approximateArrivalTimestamp": time,
                },
            }
            for data, time, own in zip(records, times, ids, strict=True)
        ],
    }


def scheduled() -> dict[str, Any]:
    """Return an event of a schedule of EventBridge."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-27T16:00:00Z",
        "region": "eu-central-1",
        "resources": ["arn:aws:events:eu-central-1:123456789012:rule/beer-model-dev-poll"],
        "detail": {},
    }
