"""Labels taken by the running program: several workers, restarts, kills and full disks."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.labels.label import Label
from app.labels.reading import LabelTally, read_labels
from app.records.reading import read_records
from tests.keys import make_key
from tests.known import BEER, KEY
from tests.live.program import Program, Start, until
from tests.live.wire import Answer, request

SETTINGS: dict[str, Any] = {"API_KEY": KEY, "PORT": "0", "GRPC_ENABLED": "false", "FEEDBACK_ENABLED": "true"}


def post(program: Program, key: str, **body: Any) -> Answer:
    headers = [("X-API-Key", key), ("Content-Type", "application/json")]
    return program.send(request("POST", "/feedback", headers, json.dumps(body).encode()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of the program."""
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    """A key that sends labels."""
    return make_key(folder / "keys.json", "brewery", scopes={"feedback", "predict"})


@pytest.fixture(scope="module")
def workers(folder: Path, key: str) -> Iterator[Program]:
    """The program with two workers, which take labels."""
    program = Program(folder, WORKERS="2", RECORD="all", **SETTINGS)
    program.port()
    yield program
    program.close()


def test_two_workers_store_each_label_once_and_answer_it_alike(workers: Program, key: str, folder: Path) -> None:
    bodies = [{"request_id": f"beer-{index % 20}", "ibu": 40.0, "kind": "measured"} for index in range(100)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: post(workers, key, **body), bodies))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["id"] for answer in answers}) == 20
    tally = LabelTally()
    assert len(list(read_labels([folder / "records"], tally=tally))) == tally.labels == 20
    conflict = post(workers, key, request_id="beer-1", ibu=41.0, kind="measured")
    assert (conflict.status, conflict.json["code"]) == (409, "label_conflict")


def test_the_key_of_the_settings_does_not_send_labels(workers: Program) -> None:
    assert post(workers, KEY, request_id="a", ibu=1.0, kind="stated").status == 403


def test_a_label_of_a_beer_in_a_batch_is_joined_to_what_its_model_answered(
    workers: Program, key: str, folder: Path
) -> None:
    hops = [{"name": "Magnum", "amount_g": 40, "boil_minutes": 60}]
    beers = [BEER, {**BEER, "hops": hops}, {**BEER, "abv": 4.0}]
    headers = [("X-API-Key", key), ("Content-Type", "application/json")]
    answer = workers.send(request("POST", "/predict/batch", headers, json.dumps({"beers": beers}).encode()))
    name = answer.header("X-Request-ID")
    for row in range(3):
        assert post(workers, key, request_id=name, row=row, ibu=40.0, kind="stated").status == 200
    joined: dict[int, Label] = {}

    def find() -> bool:
        records = read_records([folder / "records"])
        labels = (label for label in read_labels([folder / "records"], records) if label.request_id == name)
        joined.update({label.row: label for label in labels if label.is_joined})
        return len(joined) == 3

    until(find, "records of the batch")
    for row, prediction in enumerate(answer.json["predictions"]):
        outputs = joined[row].outputs
        assert outputs is not None and round(outputs["ibu"], 1) == prediction["ibu"]
        assert (joined[row].model, joined[row].version) == tuple(prediction["model"].values())


def test_what_was_answered_survives_kill_9_and_is_known_after_the_restart(start: Start, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "brewery", scopes={"feedback"})
    program = start(**SETTINGS)
    answers = [post(program, key, beer=BEER, ibu=40.0 + index, kind="stated") for index in range(5)]
    os.kill(program.process.pid, signal.SIGKILL)
    program.exit_code()
    path = next((tmp_path / "records").glob("feedback-*.jsonl"))
    path.write_bytes(path.read_bytes() + b'{"time":"2026')  # as if it had been killed while it wrote
    again = start(**SETTINGS)
    assert post(again, key, beer=BEER, ibu=40.0, kind="stated").json == answers[0].json
    assert post(again, key, beer=BEER, ibu=50.0, kind="stated").status == 200
    tally = LabelTally()
    labels = list(read_labels([tmp_path / "records"], tally=tally))
    assert [label.ibu for label in labels] == [40.0, 41.0, 42.0, 43.0, 44.0, 50.0]
    assert tally.skipped == 0


def test_on_a_full_disk_labels_are_rejected_and_predictions_are_not(start: Start, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    key = make_key(tmp_path / "keys.json", "brewery", scopes={"feedback", "predict"})
    program = start(first=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)), **SETTINGS)
    statuses = [
        post(program, key, request_id=f"beer-{index}", ibu=1.0, kind="stated", note="n" * 100).status
        for index in range(6)
    ]
    assert statuses == [200] * 3 + [503] * 3
    answer = post(program, key, request_id="one-more", ibu=1.0, kind="stated", note="n" * 100)
    assert (answer.json["code"], answer.header("Retry-After")) == ("labels_unavailable", "10")
    assert len(program.lines("labels cannot be stored: File too large")) and program.errors.count("File too large") == 1
    content = next((tmp_path / "records").glob("feedback-*.jsonl")).read_bytes()
    assert content.endswith(b"\n") and len(content.splitlines()) == 3
    headers = [("X-API-Key", key), ("Content-Type", "application/json")]
    assert program.send(request("POST", "/predict", headers, json.dumps(BEER).encode())).status == 200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"RECORD_PATH": "s3://bucket/records"}, "FEEDBACK_PATH: must be a folder"),
        ({"RECORD_PATH": "/dev/null/records"}, "RECORD_PATH: labels cannot be written there"),
    ],
    ids=["bucket", "no folder"],
)
def test_what_cannot_keep_labels_stops_the_start(start: Start, settings: dict[str, str], message: str) -> None:
    program = start(**SETTINGS, **settings)
    assert program.exit_code() == 2
    assert message in program.errors and "Traceback" not in program.errors
