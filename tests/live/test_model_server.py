"""The program with a model server in another process: same responses, restarts under load, slow and failing servers."""

import threading
import time
from collections.abc import Iterator

import pytest

from app.domains.beer.schema import EXAMPLE_BEER
from tests.committed import VERSIONS
from tests.known import KEY
from tests.live.program import Program, Start, until
from tests.live.remote import CALLS, READY, RIGHT, ask, front
from tests.live.wire import Answer, request
from tests.server_process import ServerProcess


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    """A model server with the committed bundles."""
    server = ServerProcess()
    yield server
    server.kill()


def test_the_responses_equal_those_of_a_program_that_runs_the_models_itself(
    start: Start, server: ServerProcess, program: Program
) -> None:
    remote = front(start, server)
    assert remote.send(READY).status == 200
    for path, body in CALLS.items():
        remote_answer, local_answer = ask(remote, path, body), ask(program, path, body)
        assert (remote_answer.status, remote_answer.body) == (200, local_answer.body), path
    assert server.next_call()["rows"]
    assert (
        ask(remote, "/predict", EXAMPLE_BEER, ("X-Model-Version", VERSIONS["beer-ibu"])).body
        == ask(program, "/predict", EXAMPLE_BEER).body
    )


def test_a_restart_of_the_server_under_load_gives_no_wrong_response_and_the_program_recovers(
    start: Start, server: ServerProcess
) -> None:
    program = front(start, server, MODEL_SERVER_TIMEOUT="3", THREAD_POOL_QUEUE="64")
    expected = ask(program, "/predict", EXAMPLE_BEER).body
    answers: list[Answer] = []
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            answers.append(ask(program, "/predict", EXAMPLE_BEER))

    callers = [threading.Thread(target=load) for _ in range(4)]
    for caller in callers:
        caller.start()
    restarted = server
    try:
        until(lambda: len(answers) > 50)
        for _ in range(2):
            restarted.kill()
            until(lambda: program.send(READY).status == 503)
            until(lambda: answers[-1].status == 503)
            assert program.send(request("GET", "/health/live")).status == 200
            restarted = ServerProcess(port=restarted.port)
            until(lambda: program.send(READY).status == 200)
            target = len(answers) + 50
            until(lambda: len(answers) > target)  # noqa: B023
    finally:
        stop.set()
        for caller in callers:
            caller.join()
        restarted.kill()
    assert {answer.status for answer in answers} <= {200, 503, 504}
    assert all(answer.body == expected for answer in answers if answer.status == 200)
    assert all(answer.json["code"] in ("not_ready", "too_late") for answer in answers if answer.status != 200)
    assert {answer.status for answer in answers[-20:]} == {200}
    print({status: sum(answer.status == status for answer in answers) for status in (200, 503, 504)})


@pytest.mark.alone
def test_slow_calls_are_limited_in_number_and_do_not_delay_other_requests(start: Start) -> None:
    server = ServerProcess(delay=1.5, slow_only=20)  # the start is not slow
    try:
        program = front(start, server, MODEL_SERVER_TIMEOUT="60", MODEL_SERVER_CALLS="1", THREAD_POOL_QUEUE="0")
        assert program.send(READY).status == 200
        slow = {**EXAMPLE_BEER, "abv": 20}
        answers: list[Answer] = []
        stop = threading.Event()

        def call() -> None:
            while not stop.is_set():
                answers.append(ask(program, "/predict", slow))

        caller = threading.Thread(target=call)
        caller.start()
        probes: list[Answer] = []

        def overloaded() -> bool:
            time.sleep(0.2)  # after a call of its own, the other caller is served
            probes.append(ask(program, "/predict", slow))
            return probes[-1].status == 503

        try:
            until(overloaded)
            assert probes[-1].json["code"] == "overloaded"
            assert program.send(request("GET", "/model", [RIGHT])).status == 200
        finally:
            stop.set()
            caller.join()
        assert 200 in {answer.status for answer in answers}
    finally:
        server.kill()


@pytest.mark.alone
def test_a_call_longer_than_the_timeout_is_answered_with_504(start: Start) -> None:
    server = ServerProcess(delay=0.7, slow_only=20)
    try:
        program = front(start, server, MODEL_SERVER_TIMEOUT="0.5")
        answer = ask(program, "/predict", {**EXAMPLE_BEER, "abv": 20})
        assert (answer.status, answer.json["code"]) == (504, "too_late")
        assert ask(program, "/predict", EXAMPLE_BEER).status == 200
    finally:
        server.kill()


@pytest.mark.alone
@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ({"off": 0.5}, "golden rows: output"),
        ({"key": "another"}, "model server cannot answer for version"),
        ({"not_there": True}, "model server 127.0.0.1:"),
    ],
)
def test_a_missing_or_different_server_ends_the_start_with_exit_code_3(
    start: Start, behaviour: dict[str, object], message: str
) -> None:
    server = ServerProcess(**behaviour)  # type: ignore[arg-type]
    try:
        if "not_there" in behaviour:
            server.kill()
        program = front(start, server, MODEL_SERVER_TIMEOUT="1")
        assert program.exit_code() == 3
        assert message in program.errors and "Traceback" not in program.errors
    finally:
        server.kill()


@pytest.mark.parametrize("address", ["127.0.0.1:50052", "http://127.0.0.1:50052", "grpc://host", "grpc://host:1/x"])
def test_an_invalid_address_ends_with_exit_code_2(start: Start, address: str) -> None:
    program = start(API_KEY=KEY, PORT="0", MODEL_SERVER=address)
    assert program.exit_code() == 2
    assert "MODEL_SERVER: must be grpc://host:port" in program.errors
