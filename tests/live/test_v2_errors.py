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

from tests.committed import committed_models
from tests.keys import make_key
from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import Answer, chunked, request

MARKER = "mark3r-of-the-caller"
LIMIT = 8_000_000
INFER = "/v2/models/beer-ibu/infer"
BOMB = b" " * 300_000_000
MAX_GROWTH = 100
"""Maximum growth of the memory while such bodies are sent one after another, in MB."""
_TABLE = re.compile(r"^\| what \| status \| error \|\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)


def named(**changes: Any) -> bytes:
    """Return a valid call with changed fields of its first input. Ignored fields contain the marker."""
    inputs = [{"name": name, "datatype": "FP32", "shape": [1, 1], "data": [value]} for name, value in BEER.items()]
    inputs[0] |= changes
    return message(inputs)


def message(inputs: Any, **more: Any) -> bytes:
    """Return the body of a call."""
    return json.dumps({"id": MARKER, "parameters": {MARKER: MARKER}, "inputs": inputs, **more}).encode()


def packed(*shape: int) -> dict[str, Any]:
    """Return one tensor with all inputs."""
    return {"name": "features", "datatype": "FP32", "shape": list(shape or (1, 6)), "data": [[*BEER.values()]]}


@dataclass
class Call:
    """A call, which is valid by default."""

    body: bytes = named()
    path: str = INFER
    headers: list[tuple[str, str]] = field(default_factory=list)
    key: str | None = "caller"
    method: str = "POST"


def compressed(coding: str, body: bytes) -> Call:
    """Return a call with a compressed body."""
    return Call(body, headers=[("Content-Encoding", coding)])


def split(text: bytes, raw: bytes) -> Call:
    """Return a call with binary data after the JSON."""
    return Call(text + raw, headers=[("Inference-Header-Content-Length", str(len(text)))])


LOADING = b'{"parameters": {"config": "%b"}}' % MARKER.encode()
FIRST = json.loads(named())["inputs"]
INVALID_CALLS = {
    "unknown model": Call(path=f"/v2/models/{MARKER}/infer"),
    "unknown version": Call(path="/v2/models/beer-ibu/versions/77/infer"),
    "no input": Call(message([])),
    "input missing": Call(message(FIRST[:1] + FIRST[2:])),
    "input unknown": Call(message([*FIRST, {**FIRST[0], "name": MARKER}])),
    "input beside `features`": Call(message([packed(), FIRST[0]])),
    "input twice": Call(message([*FIRST, FIRST[0]])),
    "more data than the shape takes": Call(named(data=[5.6, 5.6])),
    "less data than the shape takes": Call(named(shape=[2, 1])),
    "data nested otherwise than the shape": Call(named(shape=[2, 1], data=[[5.6, 5.6]])),
    "inputs of different numbers of rows": Call(named(shape=[2, 1], data=[5.6, 5.6])),
    "no rows": Call(message([packed(0, 6) | {"data": []}])),
    "wrong rank": Call(named(shape=[1])),
    "wrong shape": Call(named(shape=[1, 2], data=[5.6, 5.6])),
    "a shape below zero": Call(named(shape=[-1, 1])),
    "a shape that no tensor has": Call(named(shape=[2**31 - 1] * 7 + [0], data=[])),
    "wrong datatype": Call(named(datatype="FP64")),
    "unknown datatype": Call(named(datatype="BYTES", data=[MARKER])),
    "no data": Call(message([{k: v for k, v in FIRST[0].items() if k != "data"}, *FIRST[1:]])),
    "null data": Call(named(data=None)),
    "null in a required input": Call(message([FIRST[0], {**FIRST[1], "data": [None]}, *FIRST[2:]])),
    "text in the data": Call(named(data=[MARKER])),
    "not a number in a required input": Call(message([FIRST[0], {**FIRST[1], "data": [float("nan")]}, *FIRST[2:]])),
    "out of bounds": Call(named(data=[70.25])),
    "unknown output": Call(message(FIRST, outputs=[{"name": MARKER}])),
    "output twice": Call(message(FIRST, outputs=[{"name": "ibu"}] * 2)),
    "classification": Call(message(FIRST, outputs=[{"name": "ibu", "parameters": {"classification": 3}}])),
    "no JSON": Call(MARKER.encode()),
    "no inputs": Call(json.dumps({MARKER: []}).encode()),
    "header length that is no number": Call(headers=[("Inference-Header-Content-Length", MARKER)]),
    "header length beyond the body": Call(headers=[("Inference-Header-Content-Length", "999999")]),
    "`binary_data_size` beyond the body": split(named(data=None, parameters={"binary_data_size": 4}), b""),
    "bytes that belong to no input": split(named(), MARKER.encode()),
    "not what Content-Encoding says": compressed("gzip", named()),
    "unknown Content-Encoding": compressed("br", named()),
    "too large": Call(b" " * (LIMIT + 1)),
    "too large when inflated (gzip)": compressed("gzip", gzip.compress(BOMB)),
    "too large when inflated (deflate)": compressed("deflate", zlib.compress(BOMB)),
    "no key": Call(key=None),
    "no scope": Call(b"", "/v2/repository/models/iris/unload"),
    "too many calls": Call(key="limited"),
    "model unloaded": Call(b"", "/v2/models/iris/ready", method="GET"),
    "parameters for loading": Call(LOADING, "/v2/repository/models/iris/load", key="ops"),
    "unknown path": Call(b"", f"/v2/{MARKER}", method="GET"),
    "wrong method": Call(b"", INFER, method="GET"),
}


@dataclass
class KeyedProgram:
    """A program, and its API keys by name."""

    program: Program
    keys: dict[str, str]

    def send(self, call: Call) -> Answer:
        """Send a call."""
        key = [] if call.key is None else [("X-API-Key", self.keys[call.key])]
        body = call.body if call.method == "POST" else None
        return self.program.send(request(call.method, call.path, [*key, *call.headers], body))


@pytest.fixture(scope="module")
def keyed_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedProgram]:
    """A program with iris unloaded, and a key whose only call is used up."""
    folder: Path = tmp_path_factory.mktemp("errors")
    keys = {
        "caller": make_key(folder / "keys.json", "caller"),
        "limited": make_key(folder / "keys.json", "limited", rate="1/hour"),
        "ops": make_key(folder / "keys.json", "ops", scopes={"predict", "admin"}),
    }
    models = shutil.copytree(committed_models(), folder / "models")  # unloading writes there
    program = Program(
        folder,
        PORT="0",
        MODEL_URI=str(models),
        API_KEY=KEY,
        API_KEYS_FILE="keys.json",
        AUTH_FAILURES_PER_MINUTE="0",
    )
    try:
        keyed_program = KeyedProgram(program, keys)
        assert keyed_program.send(Call(key="limited")).status == keyed_program.send(Call()).status == 200
        assert keyed_program.send(Call(b"", "/v2/repository/models/iris/unload", key="ops")).status == 200
        yield keyed_program
    finally:
        program.close()


@pytest.mark.parametrize("case", INVALID_CALLS)
def test_an_invalid_call_gets_a_protocol_error_that_does_not_repeat_its_input(
    keyed_program: KeyedProgram, case: str
) -> None:
    answer = keyed_program.send(INVALID_CALLS[case])
    assert 400 <= answer.status < 500 or (answer.status, case) == (503, "model unloaded")
    assert answer.header("Content-Type") == "application/json"
    assert answer.json.keys() == {"error"} and answer.json["error"]
    assert MARKER.encode() not in answer.raw and b"70.25" not in answer.raw
    assert (answer.header("Retry-After") is not None) == (case == "too many calls")


def test_the_errors_match_the_table(keyed_program: KeyedProgram) -> None:
    match = _TABLE.search((REPOSITORY / "docs" / "protocols.md").read_text("utf-8"))
    assert match, "docs/protocols.md has no table of errors"
    table = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in match[1].splitlines()]
    measured = []
    for case, call in INVALID_CALLS.items():
        answer = keyed_program.send(call)
        measured.append([case, str(answer.status), answer.json["error"]])
    assert table == measured, "\n" + "\n".join(f"| {' | '.join(row)} |" for row in measured)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("transfer", ["declared", "chunked"])
def test_a_decompression_bomb_takes_little_memory(keyed_program: KeyedProgram, coding: str, transfer: str) -> None:
    body = (gzip if coding == "gzip" else zlib).compress(BOMB)
    headers = [("X-API-Key", keyed_program.keys["caller"]), ("Content-Encoding", coding)]
    before = _peak(keyed_program.program)
    for _ in range(3):
        if transfer == "declared":
            answer = keyed_program.program.send(request("POST", INFER, headers, body))
        else:
            opening = request("POST", INFER, [*headers, ("Transfer-Encoding", "chunked")])
            answer = keyed_program.program.send(
                opening, *chunked([body[i:][:50_000] for i in range(0, len(body), 50_000)])
            )
        assert answer.status == 413, answer.raw[:300]
    assert _peak(keyed_program.program) - before < MAX_GROWTH
    assert keyed_program.send(Call()).status == 200


def _peak(program: Program) -> float:
    status = Path(f"/proc/{program.process.pid}/status").read_text("ascii")
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match
    return int(match[1]) / 1024


def test_invalid_calls_log_no_error_and_no_client_input(keyed_program: KeyedProgram) -> None:
    headers = [("X-API-Key", keyed_program.keys["caller"]), ("X-Request-ID", "after-invalid-calls")]
    assert keyed_program.program.send(request("POST", INFER, headers, named())).status == 200
    lines = keyed_program.program.lines("after-invalid-calls")
    assert [x for x in lines if x["level"] not in ("info", "warning") or x.get("status", 0) == 500] == []
    assert MARKER not in keyed_program.program.errors
