"""A model server and a front process: one runs the models, the other serves the APIs."""

import json
import signal
import threading

import pytest

from app.domains.beer.schema import EXAMPLE_BEER
from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY
from tests.live.program import SERVE, Program, Start, until
from tests.live.remote import CALLS, READY, ask
from tests.live.rpc import INFERENCE, caller
from tests.live.wire import Answer, request

SERVER_KEY = "a-key-for-the-model-server-12345"
KEY_HEADER = ("X-API-Key", KEY)


def server(start: Start, port: str = "0", **more: str) -> Program:
    return start(command=(*SERVE, "--role", "model-server"), API_KEY=SERVER_KEY, PORT="0", GRPC_PORT=port, **more)


def front(start: Start, target: str, key: str = SERVER_KEY, **more: str) -> Program:
    return start(API_KEY=KEY, PORT="0", MODEL_SERVER=f"grpc://{target}", MODEL_SERVER_API_KEY=key, **more)


def test_the_answers_equal_those_of_a_single_process(start: Start, program: Program) -> None:
    models = server(start)
    front_program = front(start, models.rpc())
    for path, body in CALLS.items():
        remote, local = ask(front_program, path, body), ask(program, path, body)
        assert (remote.status, remote.body) == (200, local.body), path
    wrong = ask(front_program, "/predict", {**EXAMPLE_BEER, "target_fg": 1090})
    assert (wrong.status, wrong.json["errors"][0]["code"]) == (422, "gravities_swapped")
    lines = [line for line in models.lines("ModelInfer") if "ModelInfer" in json.dumps(line)]
    assert lines, "the model server ran the models"


def test_a_model_server_serves_only_grpc_and_health(start: Start) -> None:
    models = server(start, GRPC_ENABLED="false")
    key = ("X-API-Key", SERVER_KEY)
    assert models.send(READY).status == 200
    assert models.send(request("GET", "/health/live")).status == 200
    assert models.send(request("GET", "/metrics", [key])).status == 200
    for path in "/predict", "/iris/predict", "/v2/models/iris/infer", "/model", "/docs", "/openapi.json", "/v2":
        for verb in "GET", "POST":
            assert models.send(request(verb, path, [key], b"{}")).status == 404, path
            assert models.send(request(verb, path)).status == 401, path
    with caller(models.rpc()) as call:
        outcome = call.call(f"{INFERENCE}ServerReady", pb.ServerReadyRequest(), pb.ServerReadyResponse)
        assert outcome.message.ready
        assert call.call("/ml.IrisPredictor/PredictIrisSpecies", b"", key=SERVER_KEY).code.name == "UNIMPLEMENTED"


def test_workers_of_a_model_server_have_its_role(start: Start) -> None:
    models = server(start, WORKERS="2")
    models.port()
    for _ in range(8):
        assert models.send(request("POST", "/predict", [("X-API-Key", SERVER_KEY)], b"{}")).status == 404
    assert ask(front(start, models.rpc()), "/predict", EXAMPLE_BEER).status == 200


def test_a_wrong_model_server_key_stops_the_start(start: Start) -> None:
    program = front(start, server(start).rpc(), key="not-the-key-of-the-server")
    assert program.exit_code() == 3
    assert "UNAUTHENTICATED" in program.errors and "not-the-key" not in program.errors


class Load:
    """Four threads that send the same request until they are stopped."""

    def __init__(self, program: Program) -> None:
        self.answers: list[Answer] = []
        self._program = program
        self._stop = threading.Event()
        self._callers = [threading.Thread(target=self._call) for _ in range(4)]
        for thread in self._callers:
            thread.start()

    def _call(self) -> None:
        while not self._stop.is_set():
            self.answers.append(ask(self._program, "/predict", EXAMPLE_BEER))

    def stop(self) -> None:
        self._stop.set()
        for thread in self._callers:
            thread.join()


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
def test_a_model_server_restart_under_load_gives_no_wrong_answer_and_recovers(
    start: Start, signal_number: signal.Signals
) -> None:
    models = server(start)
    address = models.rpc()
    program = front(start, address, MODEL_SERVER_TIMEOUT="3", THREAD_POOL_QUEUE="64")
    expected = ask(program, "/predict", EXAMPLE_BEER).body
    load = Load(program)
    try:
        until(lambda: len(load.answers) > 50)
        models.process.send_signal(signal_number)
        until(lambda: program.send(READY).status == 503)
        models.exit_code()
        server(start, address.rpartition(":")[2])
        until(lambda: program.send(READY).status == 200)
        before = len(load.answers)
        until(lambda: len(load.answers) > before + 50)
    finally:
        load.stop()
    assert {answer.status for answer in load.answers} <= {200, 503, 504}
    assert all(answer.body == expected for answer in load.answers if answer.status == 200)
    assert {answer.status for answer in load.answers[-20:]} == {200}
    print({status: sum(answer.status == status for answer in load.answers) for status in (200, 503, 504)})
