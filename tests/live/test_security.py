"""Security of every response and log line: headers, log injection, paths, secrets, internal errors."""

import itertools
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.keys import make_key
from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Program, Start, free_port, worker_pids
from tests.live.raw import send_and_read
from tests.live.wire import Answer, request

KEY_HEADER = ("X-API-Key", KEY)
BODY = json.dumps(BEER).encode()
ANSWERS: dict[str, tuple[int, bytes]] = {
    "prediction": (200, request("POST", "/predict", [KEY_HEADER], BODY)),
    "model": (200, request("GET", "/model", [KEY_HEADER])),
    "metrics": (200, request("GET", "/metrics", [KEY_HEADER])),
    "health": (200, request("GET", "/health/live")),
    "page": (200, request("GET", "/docs")),
    "script": (200, request("GET", "/docs/assets/docs.js")),
    "document": (200, request("GET", "/openapi.json")),
    "no key": (401, request("POST", "/predict", [], BODY)),
    "no route": (404, request("GET", "/nowhere", [KEY_HEADER])),
    "no such method": (405, request("PUT", "/predict", [KEY_HEADER], BODY)),
    "too large": (413, request("POST", "/predict", [KEY_HEADER, ("Content-Length", "99999999")])),
    "no JSON": (415, request("POST", "/predict", [KEY_HEADER, ("Content-Type", "text/xml")], b"<a/>")),
    "invalid": (422, request("POST", "/predict", [KEY_HEADER], b"{}")),
    "malformed": (400, b"GET /\0 HTTP/1.1\r\n\r\n"),
    "long target": (414, request("GET", "/" + "a" * 9_000, [KEY_HEADER])),
    "large head": (431, request("GET", "/model", [("A", "b" * 70_000)])),
}


def header_lines(answer: bytes) -> list[bytes]:
    """Return the header lines of a response, in lower case."""
    return answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")[1:]


@pytest.mark.parametrize("name", ANSWERS)
def test_every_response_has_security_headers_and_does_not_identify_the_server(program: Program, name: str) -> None:
    status, data = ANSWERS[name]
    answer = send_and_read(program.port(), data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    headers = header_lines(answer)
    assert headers.count(b"x-content-type-options: nosniff") == 1
    assert headers.count(b"cache-control: no-cache" if name in ("page", "script") else b"cache-control: no-store") == 1
    assert not [line for line in headers if line.startswith((b"server:", b"x-powered-by:", b"via:"))]
    policies = [line for line in headers if line.startswith(b"content-security-policy:")]
    assert len(policies) == (name in ("page", "script"))
    assert all(b"default-src 'none'" in line and b"frame-ancestors 'none'" in line for line in policies)
    assert not any(word in answer for word in (b"Traceback", b"site-packages", b"uvicorn", b"fastapi.", KEY.encode()))


HEADERS = (b"X-Request-ID", b"traceparent", b"X-API-Key", b"User-Agent", b"X-Forwarded-For", b"X-Model-Version")
INJECTIONS = (
    b"\x1b[31mred", b"\x1b]0;title\x07", b"a\x7fb", b'","level":"critical","x":"', b"%0d%0a{}", b"\\u000a",
    b"x" * 10_000,
    "\u2028\u202e\u0085".encode(), b"\xff\xfe", b"${jndi:ldap://x}", b"%s%n", b"a\rb", b"a\nb", b"a\r\n b",
)  # fmt: skip


def test_client_input_neither_creates_log_lines_nor_appears_in_them(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", LOG_LEVEL="DEBUG", AUTH_FAILURES_PER_MINUTE="0")
    port, sent = program.port(), 0
    for word in INJECTIONS:
        mark = b"mark3r" + word
        for name in HEADERS:
            send_and_read(port, b"GET /model HTTP/1.1\r\nHost: beer\r\n" + name + b": " + mark + b"\r\n\r\n")
        for line in (b"GET /" + mark + b" HTTP/1.1", b"GET /model?name=" + mark + b" HTTP/1.1", mark + b" / HTTP/1.1"):
            send_and_read(port, line + b"\r\nHost: beer\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n")
        send_and_read(port, request("POST", "/predict", [KEY_HEADER], b'{"' + mark + b'": "' + mark + b'"}'))
        sent += len(HEADERS) + 4
    program.send(request("GET", "/health/live", [("X-Request-ID", "the-last")]))
    logged = program.lines("the-last")  # each line is JSON
    assert len([x for x in logged if x.get("event") == "request"]) <= sent + 1
    assert all(x["level"] in ("debug", "info") and x.get("status", 200) < 500 for x in logged)
    assert "mark3r" not in program.errors + program.output
    assert program.errors.isascii() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", program.errors)


NAMES = (
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "....//....//etc/passwd",
    "/etc/passwd", "..\\..\\etc\\passwd", "beer-ibu/../beer-ibu", "beer-ibu%00", ".", "..", "~", "1/../1",
    "file:///etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_gives_access_to_a_file(program: Program, name: str) -> None:
    requests = [
        request("GET", f"/model?name={name}", [KEY_HEADER]),
        request("GET", f"/model/{name}", [KEY_HEADER]),
        request("GET", f"/docs/assets/{name}"),
        request("GET", f"/docs/{name}"),
        request("GET", f"/health/{name}"),
        request("GET", f"/{name}", [KEY_HEADER]),
        request("POST", "/predict", [KEY_HEADER, ("X-Model-Version", name)], BODY),
        request("POST", "/predict/batch", [KEY_HEADER, ("X-Model-Version", name)], b'{"beers": [' + BODY + b"]}"),
    ]
    for data in requests:
        answer = program.send(data)
        assert answer.status in (400, 401, 404, 422), data
        assert answer.header("Content-Type") == "application/problem+json"
        assert not any(word in answer.raw for word in (b"root:", b"passwd", b"etc"))


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace")


def test_no_secret_is_in_responses_logs_arguments_or_environment(start: Start, tmp_path: Path) -> None:
    stored_key = make_key(tmp_path / "keys.json", "first", scopes={"predict", "metrics"}, rate="9/minute")
    word = "p4ssword-of-redis"
    (tmp_path / ".env").write_text(
        f"API_KEY={KEY}\nAPI_KEYS_FILE=keys.json\nRATE_LIMIT_STORAGE=redis://:{word}@127.0.0.1:1/0\n", "utf-8"
    )
    management = free_port()
    program = start(PORT="0", WORKERS="2", LOG_LEVEL="DEBUG", MANAGEMENT_PORT=str(management))
    answers: list[Answer] = []
    for key, path in itertools.product((KEY, stored_key), ("/model", "/metrics", "/docs", "/openapi.json", "/nowhere")):
        answers.append(program.send(request("GET", path, [("X-API-Key", key)])))
    for key in KEY, stored_key:
        answers.append(program.send(request("POST", f"/predict?key={key}", [("X-API-Key", key)], key.encode())))
        answers.append(program.send(request("POST", f"/{key}", [("X-API-Key", f"{key}x")], b"{}")))
        answers.append(program.send(request("GET", "/model", [("X-API-Key", key), ("X-API-Key", key)])))
    responses = b"".join(answer.raw for answer in answers) + send_and_read(management, request("GET", "/metrics"))
    assert {answer.status for answer in answers} >= {200, 401, 404, 422}
    processes = [program.process.pid, *worker_pids(program)]
    assert len(processes) == 3
    text = responses.decode("utf-8", "replace") + "".join(map(_command_line, processes))
    environments = b"".join(Path(f"/proc/{pid}/environ").read_bytes() for pid in processes).decode()
    # Invalid JSON that contains the key itself.
    (tmp_path / "keys.json").write_text(f'{{"keys": [{{"id": "{stored_key}"', "utf-8")
    program.lines("the last good keys stay valid")
    assert program.stop() == 0
    text += program.output + program.errors
    assert "does not answer" in program.errors  # Redis is not running
    for secret in (KEY, stored_key, word):
        assert secret not in text + environments


def test_no_secret_is_in_the_representation_of_the_settings() -> None:
    from app.settings import Settings

    word = "redis://:p4ssword@127.0.0.1/0"
    settings = Settings(api_key=KEY, rate_limit_storage=word, _env_file=None)  # type: ignore[call-arg,arg-type]
    for text in (repr(settings), str(settings), settings.model_dump_json(), f"{settings.model_dump()}"):
        assert KEY not in text and "p4ssword" not in text


FAILING_PROGRAM = """
from app.domains.beer.api import BeerApi
def fail(*arguments, **named): raise RuntimeError("a private detail")
BeerApi.predict = BeerApi.predict_each = BeerApi.predict_batch = fail
from app.cli.main import main
main()
"""


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_an_internal_error_is_logged_but_not_disclosed_to_the_caller(start: Start, path: str) -> None:
    program = start(command=(sys.executable, "-c", FAILING_PROGRAM), API_KEY=KEY, PORT="0")
    body = BODY if path == "/predict" else b'{"beers": [' + BODY + b"]}"
    answer = program.send(request("POST", path, [KEY_HEADER, ("X-Request-ID", "the-error")], body))
    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert answer.header("X-Content-Type-Options") == "nosniff" and answer.header("X-Request-ID") == "the-error"
    for word in (b"private detail", b"Traceback", b"RuntimeError", b".py", os.fsencode(REPOSITORY)):
        assert word not in answer.raw
    entry = next(x for x in program.lines("a private detail") if "traceback" in x)
    assert "the-error" in entry["message"] and "RuntimeError" in entry["traceback"]
    assert program.send(request("GET", "/health/live")).status == 200


def test_security_txt_names_the_contact_that_is_set(start: Start, program: Program) -> None:
    """Without a key, for 90 days from the moment of the answer. Where none is set, the path is like any other."""
    contact = "mailto:security@brewery.example"
    answer = start(API_KEY=KEY, PORT="0", SECURITY_CONTACT=contact).send(request("GET", "/.well-known/security.txt"))
    assert answer.status == 200 and (answer.header("Content-Type") or "").startswith("text/plain")
    fields = dict(line.split(": ", 1) for line in answer.body.decode().splitlines())
    assert fields["Contact"] == contact
    assert timedelta(89) < datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC) <= timedelta(90)
    assert program.send(request("GET", "/.well-known/security.txt")).status == 401


@pytest.mark.parametrize(
    "contact", ["security@brewery.example", "http://brewery.example", "mailto:a b", "mailto:a\nb: c"]
)
def test_a_contact_that_is_no_uri_of_that_kind_is_rejected(start: Start, contact: str) -> None:
    program = start(API_KEY=KEY, PORT="0", SECURITY_CONTACT=contact)
    assert program.exit_code() == 2
    assert "SECURITY_CONTACT" in program.errors and contact not in program.errors
