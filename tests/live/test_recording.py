"""Records of a running program: every transport, workers with files of their own, and what a kill -9 loses."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.records.reading import Record, Tally, read_records
from app.rpc._pb.iris_pb2 import IrisPredictReply, IrisPredictRequest
from tests.known import BEER, KEY, REPOSITORY
from tests.live.program import Program, Start, until, worker_pids
from tests.live.rpc import BEER_ROW, caller, typed
from tests.live.wire import request

RECIPES = REPOSITORY / "tests" / "data" / "recipe_files" / "ale.json"
LOST_SECONDS = 0.5
"""What a killed process loses, see docs/records.md; and as much again on a busy machine."""


def _send(program: Program, path: str, body: Any, request_id: str, **headers: str) -> Any:
    fields = {"X-API-Key": KEY, "Content-Type": "application/json", "X-Request-ID": request_id, **headers}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = program.send(request("POST", path, list(fields.items()), data))
    assert answer.status == 200, answer
    return answer.json


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder of records of a program that was called over every transport and stopped; and some of the answers."""
    folder = tmp_path_factory.mktemp("recorded")
    program = Program(folder, API_KEY=KEY, PORT="0", RECORD="all")
    flower = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    try:
        answers = {
            "rest": _send(program, "/predict", BEER, "rest"),
            "batch": _send(program, "/predict/batch", {"beers": [BEER] * 3}, "batch"),
            "file": _send(program, "/recipes", RECIPES.read_bytes(), "file"),
            "version": _send(program, "/predict", BEER, "version", **{"X-Model-Version": "2"}),
            "iris": _send(program, "/iris/predict", flower, "iris"),
        }
        body = {"inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 6], "data": list(BEER_ROW)}]}
        answers["oip"] = _send(program, "/v2/models/beer-ibu/infer", body, "oip")
        with caller(program.rpc()) as client:
            metadata = [("x-request-id", "grpc")]
            outcome = client.infer(typed("beer-ibu", BEER_ROW), metadata=metadata)
            assert outcome.message is not None, outcome
            metadata = [("x-request-id", "grpc-iris")]
            client.call(
                "/ml.IrisPredictor/PredictIrisSpecies",
                IrisPredictRequest(**flower),
                IrisPredictReply,
                metadata=metadata,
            )
        assert program.stop() == 0
    finally:
        program.close()
    yield folder / "records", answers


def test_every_transport_is_recorded_with_the_request_id(answered: tuple[Path, dict[str, Any]]) -> None:
    folder, answers = answered
    records: dict[str, list[Record]] = {}
    for record in read_records([folder]):
        records.setdefault(record.request_id, []).append(record)
    assert {name: len(rows) for name, rows in records.items()} == {
        "rest": 1,
        "batch": 3,
        "file": len([recipe for recipe in answers["file"]["recipes"] if "prediction" in recipe]),
        "version": 1,
        "iris": 1,
        "oip": 1,
        "grpc": 1,
        "grpc-iris": 1,
    }
    assert [row.row for row in records["batch"]] == [0, 1, 2]
    (rest,) = records["rest"]
    assert round(rest.outputs["ibu"], 1) == answers["rest"]["ibu"]
    assert rest.model == answers["rest"]["model"]["name"]
    assert records["version"][0].version == "2"
    assert records["oip"][0].outputs == records["grpc"][0].outputs
    assert records["iris"][0].outputs == records["grpc-iris"][0].outputs


@pytest.mark.alone
@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers")
def test_workers_have_files_of_their_own_and_kill_9_loses_half_a_second(start: Start, tmp_path: Path) -> None:
    program = start(API_KEY=KEY, PORT="0", RECORD="all", WORKERS="2")
    program.port()
    sent: dict[str, float] = {}

    def predict(number: int) -> None:
        _send(program, "/predict", BEER, f"call-{number}")
        sent[f"call-{number}"] = time.monotonic()

    folder = tmp_path / "records"

    def has_files_of_both() -> bool:
        predict(len(sent))
        return len(list(folder.glob("*.jsonl"))) == 2

    until(has_files_of_both, "files of both workers")
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        predict(len(sent))
    killed = time.monotonic()
    pids = worker_pids(program)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    tally = Tally()
    recorded = {record.request_id for record in read_records([folder], tally)}
    lost = [name for name in sent if name not in recorded]
    assert all(killed - sent[name] < 2 * LOST_SECONDS for name in lost), len(lost)
    assert tally.skipped <= len(pids) and len(recorded) > len(sent) / 2


def test_a_full_disk_costs_records_and_no_call(start: Start) -> None:
    resource = pytest.importorskip("resource")
    program = start(
        first=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY)),
        API_KEY=KEY,
        PORT="0",
        RECORD="all",
    )
    for number in range(5):
        _send(program, "/predict", BEER, f"call-{number}")
    program.lines("records are dropped: records: File too large")

    def dropped() -> float:
        text = program.send(request("GET", "/metrics", [("X-API-Key", KEY)])).body.decode()
        (line,) = (line for line in text.splitlines() if line.startswith('records_dropped_total{reason="disk"}'))
        return float(line.split()[1])

    until(lambda: dropped() == 5, "dropped records in the metrics")
    assert program.stop() == 0
