"""The entry point of the cloud function, called with events of API Gateway in a separate process."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.known import BEER, KEY
from tests.live.program import environment

pytest.importorskip("mangum", reason="mangum is not installed (requirements/function.txt)")

CALL = """
import json, sys
from app.aws_lambda.http import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 30_000

print(json.dumps([handler(event, Context()) for event in json.load(sys.stdin)]))
"""


def event(method: str, path: str, body: str | None = None, **headers: str) -> dict[str, Any]:
    """An HTTP event in format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "beer", **headers},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def test_events_are_answered_like_requests(tmp_path: Path) -> None:
    key = {"x-api-key": KEY}
    events = [
        event("POST", "/predict", json.dumps(BEER), **key),
        event("POST", "/predict", json.dumps(BEER)),
        event("POST", "/predict", "{", **key),
        event("GET", "/health/ready"),
        event("GET", "/docs"),
    ]
    completed = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=tmp_path,
        env=environment(API_KEY=KEY, DOCS_ENABLED="false"),
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(completed.stdout)
    assert [answer["statusCode"] for answer in answers] == [200, 401, 422, 200, 401]
    assert {"ibu", "interval"} <= json.loads(answers[0]["body"]).keys()
    lines = [json.loads(line) for line in completed.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["request"] * len(events)
    assert KEY not in completed.stderr
