"""Usage in the running program: two workers, REST and gRPC, and two keys add up."""

import json
import subprocess
import sys
from pathlib import Path

from tests.keys import make_key
from tests.known import BEER, KEY
from tests.live.program import Start, environment, started_workers, until
from tests.live.raw import connect
from tests.live.rpc import BEER_ROW, caller, typed
from tests.live.wire import request


def test_the_workers_calls_rows_and_refused_calls_add_up(start: Start, tmp_path: Path) -> None:
    other = make_key(tmp_path / "keys.json", "other")
    program = start(API_KEY=KEY, API_KEYS_FILE="keys.json", PORT="0", WORKERS="2", USAGE_PATH="usage.json")
    port = program.port()
    until(lambda: started_workers(program) == 2)

    def send(path: str, body: object, key: str = KEY) -> int:
        return program.send(request("POST", path, [("X-API-Key", key)], json.dumps(body).encode())).status

    assert [send("/predict", BEER) for _ in range(20)] == [200] * 20
    assert send("/predict/batch", {"beers": [BEER] * 7}) == 200
    assert send("/predict", {}) == 422
    assert send("/predict", BEER, other) == 200
    assert send("/predict", BEER, "wrong") == 401
    assert program.send(request("GET", "/health/ready")).status == 200
    message = request("POST", "/predict", [("X-API-Key", other)], json.dumps(BEER).encode())
    connections = [connect(port) for _ in range(10)]  # at once, so that calls share a run of the model
    for connection in connections:
        connection.sendall(message)
    for connection in connections:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.close()
    with caller(program.rpc()) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW)).code.name == "OK"
    assert program.stop() == 0
    done = subprocess.run(
        [sys.executable, "-m", "app", "usage", "--json"],
        cwd=tmp_path,
        env=environment(USAGE_PATH="usage.json"),
        capture_output=True,
        text=True,
        check=True,
    )
    shown: dict[str, list[int]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        totals = shown.setdefault(line["key"].partition("-")[0] or "-", [0, 0, 0])
        shown[line["key"].partition("-")[0] or "-"] = [
            total + line[name] for total, name in zip(totals, ("calls", "rows", "refused"), strict=True)
        ]
    assert shown == {"default": [23, 28, 1], "other": [11, 11, 0], "-": [1, 0, 1]}
    assert KEY not in (tmp_path / "usage.json").read_text()
