"""The error table of /v2 in docs/protocols.md: the program answers each call as the table says."""

import gzip
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.keys import make_key
from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import Answer, chunked, request

MARKER = "mark3r-of-the-caller"
LIMIT = 8_000_000
INFER = "/v2/models/beer-ibu/infer"
BOMB = b" " * 300_000_000
MOST_MORE = 100
"""MB that the program may take more while it is sent such bodies, one after another."""
_TABLE = re.compile(r"^\| what \| status \| error \|\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)


def named(**instead: Any) -> bytes:
    """A right call, some fields of its first input otherwise; it carries the marker where nobody looks."""
    inputs = [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [value]} for name, value in BEER.items()]
    inputs[0] |= instead
    return message(inputs)


def message(inputs: Any, **more: Any) -> bytes:
    """A call."""
    return json.dumps({"id": MARKER, "parameters": {MARKER: MARKER}, "inputs": inputs, **more}).encode()


def packed(*shape: int) -> dict[str, Any]:
    """All inputs in one."""
    return {"name": "features", "datatype": "FP32", "shape": list(shape or (1, 6)), "data": [[*BEER.values()]]}


@dataclass
class Wrong:
    """A call that is refused."""

    body: bytes = named()
    path: str = INFER
    headers: list[tuple[str, str]] = field(default_factory=list)
    key: str | None = "caller"
    method: str = "POST"


def coded(coding: str, body: bytes) -> Wrong:
    """A compressed body."""
    return Wrong(body, headers=[("Content-Encoding", coding)])


def split(text: bytes, raw: bytes) -> Wrong:
    """JSON, and bytes behind it."""
    return Wrong(text + raw, headers=[("Inference-Header-Content-Length", str(len(text)))])


LOADING = b'{"parameters": {"config": "%b"}}' % MARKER.encode()
FIRST = json.loads(named())["inputs"]
WRONG = {
    "unknown model": Wrong(path=f"/v2/models/{MARKER}/infer"),
    "unknown version": Wrong(path="/v2/models/beer-ibu/versions/77/infer"),
    "no input": Wrong(message([])),
    "input missing": Wrong(message(FIRST[:1] + FIRST[2:])),
    "input unknown": Wrong(message([*FIRST, {**FIRST[0], "name": MARKER}])),
    "input beside `features`": Wrong(message([packed(), FIRST[0]])),
    "input twice": Wrong(message([*FIRST, FIRST[0]])),
    "more data than the shape takes": Wrong(named(data=[5.6, 5.6])),
    "less data than the shape takes": Wrong(named(shape=[2, 1])),
    "data nested otherwise than the shape": Wrong(named(shape=[2, 1], data=[[5.6, 5.6]])),
    "inputs of different numbers of rows": Wrong(named(shape=[2, 1], data=[5.6, 5.6])),
    "no rows": Wrong(message([packed(0, 6) | {"data": []}])),
    "wrong rank": Wrong(named(shape=[1])),
    "wrong shape": Wrong(named(shape=[1, 2], data=[5.6, 5.6])),
    "a shape below zero": Wrong(named(shape=[-1, 1])),
    "a shape that no tensor has": Wrong(named(shape=[2**31 - 1] * 7 + [0], data=[])),
    "wrong datatype": Wrong(named(datatype="FP64")),
    "unknown datatype": Wrong(named(datatype="BYTES", data=[MARKER])),
    "no data": Wrong(message([{k: v for k, v in FIRST[0].items() if k != "data"}, *FIRST[1:]])),
    "null data": Wrong(named(data=None)),
    "null in the data": Wrong(named(data=[None])),
    "text in the data": Wrong(named(data=[MARKER])),
    "not a number in a required input": Wrong(named(data=[float("nan")])),
    "out of bounds": Wrong(named(data=[70.25])),
    "unknown output": Wrong(message(FIRST, outputs=[{"name": MARKER}])),
    "output twice": Wrong(message(FIRST, outputs=[{"name": "ibu"}] * 2)),
    "classification": Wrong(message(FIRST, outputs=[{"name": "ibu", "parameters": {"classification": 3}}])),
    "no JSON": Wrong(MARKER.encode()),
    "no inputs": Wrong(json.dumps({MARKER: []}).encode()),
    "header length that is no number": Wrong(headers=[("Inference-Header-Content-Length", MARKER)]),
    "header length beyond the body": Wrong(headers=[("Inference-Header-Content-Length", "999999")]),
    "`binary_data_size` beyond the body": split(named(data=None, parameters={"binary_data_size": 4}), b""),
    "bytes that belong to no input": split(named(), MARKER.encode()),
    "not what Content-Encoding says": coded("gzip", named()),
    "unknown Content-Encoding": coded("br", named()),
    "too large": Wrong(b" " * (LIMIT + 1)),
    "too large when inflated (gzip)": coded("gzip", gzip.compress(BOMB)),
    "too large when inflated (deflate)": coded("deflate", zlib.compress(BOMB)),
    "no key": Wrong(key=None),
    "no scope": Wrong(b"", "/v2/repository/models/iris/unload"),
    "too many calls": Wrong(key="slow"),
    "model unloaded": Wrong(b"", "/v2/models/iris/ready", method="GET"),
    "parameters for loading": Wrong(LOADING, "/v2/repository/models/iris/load", key="ops"),
    "unknown path": Wrong(b"", f"/v2/{MARKER}", method="GET"),
    "wrong method": Wrong(b"", INFER, method="GET"),
}


@dataclass
class Place:
    """A program, and its keys by name."""

    program: Program
    keys: dict[str, str]

    def ask(self, wrong: Wrong) -> Answer:
        """Make a call."""
        key = [] if wrong.key is None else [("X-API-Key", self.keys[wrong.key])]
        body = wrong.body if wrong.method == "POST" else None
        return self.program.send(request(wrong.method, wrong.path, [*key, *wrong.headers], body))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A program with iris unloaded, and a key that has had its only call."""
    folder: Path = tmp_path_factory.mktemp("errors")
    keys = {
        "caller": make_key(folder / "keys.json", "caller"),
        "slow": make_key(folder / "keys.json", "slow", rate="1/hour"),
        "ops": make_key(folder / "keys.json", "ops", scopes={"predict", "admin"}),
    }
    models = shutil.copytree(REPOSITORY / "models", folder / "models")  # unloading writes there
    program = Program(
        folder,
        PORT="0",
        MODEL_URI=str(models),
        API_KEY=KEY,
        API_KEYS_FILE="keys.json",
        AUTH_FAILURES_PER_MINUTE="0",
    )
    try:
        place = Place(program, keys)
        assert place.ask(Wrong(key="slow")).status == place.ask(Wrong()).status == 200
        assert place.ask(Wrong(b"", "/v2/repository/models/iris/unload", key="ops")).status == 200
        yield place
    finally:
        program.close()


@pytest.mark.parametrize("what", WRONG)
def test_an_invalid_call_gets_a_protocol_error_that_does_not_repeat_its_input(place: Place, what: str) -> None:
    answer = place.ask(WRONG[what])
    assert 400 <= answer.status < 500 or (answer.status, what) == (503, "model unloaded")
    assert answer.header("Content-Type") == "application/json"
    assert answer.json.keys() == {"error"} and answer.json["error"]
    assert MARKER.encode() not in answer.raw and b"70.25" not in answer.raw
    assert (answer.header("Retry-After") is not None) == (what == "too many calls")


def test_the_errors_match_the_table(place: Place) -> None:
    found = _TABLE.search((REPOSITORY / "docs" / "protocols.md").read_text("utf-8"))
    assert found, "docs/protocols.md has no table of errors"
    table = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]
    measured = []
    for what, wrong in WRONG.items():
        answer = place.ask(wrong)
        measured.append([what, str(answer.status), answer.json["error"]])
    assert table == measured, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in measured)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("how", ["declared", "chunked"])
def test_a_decompression_bomb_takes_little_memory(place: Place, coding: str, how: str) -> None:
    body = (gzip if coding == "gzip" else zlib).compress(BOMB)
    head = [("X-API-Key", place.keys["caller"]), ("Content-Encoding", coding)]
    before = _peak(place.program)
    for _ in range(3):
        if how == "declared":
            answer = place.program.send(request("POST", INFER, head, body))
        else:
            opening = request("POST", INFER, [*head, ("Transfer-Encoding", "chunked")])
            answer = place.program.send(opening, *chunked([body[i:][:50_000] for i in range(0, len(body), 50_000)]))
        assert answer.status == 413, answer.raw[:300]
    assert _peak(place.program) - before < MOST_MORE
    assert place.ask(Wrong()).status == 200


def _peak(program: Program) -> float:
    status = Path(f"/proc/{program.process.pid}/status").read_text("ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1024


def test_invalid_calls_log_no_error_and_no_client_input(place: Place) -> None:
    again = [("X-API-Key", place.keys["caller"]), ("X-Request-ID", "after-all-that")]
    assert place.program.send(request("POST", INFER, again, named())).status == 200
    lines = place.program.lines("after-all-that")
    assert [x for x in lines if x["level"] not in ("info", "warning") or x.get("status", 0) == 500] == []
    assert MARKER not in place.program.errors
