"""Events as the cloud sends them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus


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


def created(bucket: str, keys: Sequence[str]) -> dict[str, Any]:
    """Return an event of S3: objects were created."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key, safe="/"), "size": 1}},
            }
            for key in keys
        ]
    }
