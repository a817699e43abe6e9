"""The entry point of the cloud function, called with events of API Gateway in a separate process."""

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.events import http_api, staged
from tests.known import BEER, KEY
from tests.live.program import environment

pytest.importorskip("mangum", reason="mangum is not installed (requirements/function.txt)")

SITE = "https://brewery.example"
CALL = """
import json, sys
from app.aws_lambda.http import handler

class Context:
    def __init__(self, milliseconds):
        self.get_remaining_time_in_millis = lambda: milliseconds

print(json.dumps([handler(event, Context(event.get("left", 30_000))) for event in json.load(sys.stdin)]))
"""


RECIPES = """<?xml version="1.0" encoding="ISO-8859-1"?>
<RECIPES><RECIPE><NAME>K\u00f6lsch</NAME><VERSION>1</VERSION><TYPE>Extract</TYPE><BREWER>x</BREWER>
<BATCH_SIZE>20</BATCH_SIZE><BOIL_SIZE>24</BOIL_SIZE><BOIL_TIME>60</BOIL_TIME><OG>1.046</OG><FG>1.010</FG>
<HOPS><HOP><NAME>Magnum</NAME><VERSION>1</VERSION><ALPHA>12</ALPHA><AMOUNT>0.02</AMOUNT><USE>Boil</USE><TIME>60</TIME>
</HOP></HOPS></RECIPE><RECIPE/></RECIPES>""".encode("latin-1")


def _recipes(**headers: str) -> dict[str, Any]:
    """A file in a form, as the gateway passes on what is not text."""
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="r"\r\n\r\n%b\r\n--b--\r\n' % RECIPES
    kind = {"content-type": "multipart/form-data; boundary=b"}
    event = http_api("POST", "/recipes", b64encode(form).decode("ascii"), **headers, **kind)
    return {**event, "isBase64Encoded": True, "rawQueryString": "explain=true"}


def test_events_are_answered_like_requests(tmp_path: Path) -> None:
    key = {"x-api-key": KEY}
    events = [
        http_api("POST", "/predict", json.dumps(BEER), **key),
        http_api("POST", "/predict", json.dumps(BEER)),
        http_api("POST", "/predict", "{", **key),
        http_api("GET", "/health/ready"),
        http_api("GET", "/docs"),
        staged(http_api("POST", "/predict", json.dumps(BEER), **key), "prod"),
        staged(http_api("GET", "/openapi.json", **key), "prod"),
        _recipes(**key),
        {**http_api("POST", "/predict/batch", json.dumps({"beers": [BEER] * 100}), origin=SITE, **key), "left": 200},
        http_api("OPTIONS", "/predict", origin=SITE, **{"access-control-request-method": "POST"}),
    ]
    completed = subprocess.run(
        [sys.executable, "-c", CALL],
        cwd=tmp_path,
        env=environment(API_KEY=KEY, CORS_ORIGINS=SITE),
        input=json.dumps(events),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = json.loads(completed.stdout)
    assert [answer["statusCode"] for answer in answers] == [200, 401, 422, 200, 200, 200, 200, 200, 504, 204]
    assert [answer["headers"].get("access-control-allow-origin") for answer in answers] == [None] * 8 + [SITE] * 2
    assert {"ibu", "interval"} <= json.loads(answers[0]["body"]).keys()
    assert json.loads(answers[6]["body"])["servers"][0]["url"] == "/prod"
    good, bad = json.loads(answers[7]["body"])["recipes"]
    assert good["name"] == "K\u00f6lsch" and "explanation" in good["prediction"] and bad["errors"]
    start, *lines = [json.loads(line) for line in completed.stderr.splitlines()]
    assert "service.start" in start["message"]
    assert [line["event"] for line in lines] == ["request"] * len(events)
    assert KEY not in completed.stderr
