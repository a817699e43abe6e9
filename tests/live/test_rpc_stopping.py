"""Stopping the gRPC server, and its workers: calls in progress finish, later ones fail, a dead worker is replaced."""

import os
import signal
import threading
from typing import Any

import grpc
import pytest

from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY
from tests.live.program import Program, Start, started_workers, until, worker_pids
from tests.live.rpc import BEER_ROW, caller, typed

pytestmark = pytest.mark.alone


class Callers:
    """Clients that call continuously until stopped."""

    def __init__(self, address: str, request: pb.ModelInferRequest, count: int = 4) -> None:
        self._address = address
        self._request = request
        self._stop = threading.Event()
        self.codes: list[grpc.StatusCode] = []
        self.details: set[str] = set()
        self._threads = [threading.Thread(target=self._call) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _call(self) -> None:
        with caller(self._address) as client:
            while not self._stop.is_set():
                outcome = client.infer(self._request)
                self.codes.append(outcome.code)
                self.details.add(outcome.details)

    def stop(self) -> set[grpc.StatusCode]:
        """Stop, and return the status codes received."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        return set(self.codes)


def _many() -> pb.ModelInferRequest:
    """A call that takes a few milliseconds in the thread pool."""
    request = pb.ModelInferRequest(model_name="beer-ibu")
    request.inputs.add(name="features", datatype="FP32", shape=[5000, 6])
    request.inputs[0].contents.fp32_contents.extend(BEER_ROW * 5000)
    return request


def test_on_sigterm_calls_in_progress_finish_and_later_ones_are_unavailable(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    callers = Callers(program.rpc(), _many())
    program.lines_with('"method": "GRPC"', 20)
    program.process.send_signal(signal.SIGTERM)
    assert program.exit_code() == 0
    codes = callers.stop()
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, callers.details
    answered = program.errors.count('"route": "/inference.GRPCInferenceService/ModelInfer", "status": 0')
    assert callers.codes.count(grpc.StatusCode.OK) == answered
    assert "Traceback" not in program.errors and program.seconds < 60


def test_a_health_watcher_and_an_idle_client_do_not_delay_the_end(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", SHUTDOWN_GRACE="20")
    with caller(program.rpc()) as client:
        method: Any = client.channel.unary_stream("/grpc.health.v1.Health/Watch")
        watch = method(b"")
        method_ = client.channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
        released = threading.Event()
        reflection_call = method_(_no_message(released))
        next(iter(watch))
        program.process.send_signal(signal.SIGTERM)
        assert until(lambda: program.process.poll() is not None, "ended") < 10
        assert [message[-1] for message in watch] == [2]  # NOT_SERVING
        released.set()
        reflection_call.cancel()
    assert program.exit_code() == 0


def _no_message(released: threading.Event):  # type: ignore[no-untyped-def]
    released.wait(60)
    yield b""


def test_workers_share_the_port_and_a_dead_one_is_replaced(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", WORKERS="2")
    address = program.rpc()
    until(lambda: started_workers(program) == 2, "two workers")
    assert _answering(address, 24) >= {grpc.StatusCode.OK}
    os.kill(next(iter(worker_pids(program))), signal.SIGKILL)
    until(lambda: started_workers(program) == 3, "a third")
    assert _answering(address, 12) == {grpc.StatusCode.OK}
    _hang_up(program)
    until(lambda: "every worker was replaced" in program.errors, "rolled")
    assert _answering(address, 12) == {grpc.StatusCode.OK}
    assert program.stop() == 0


def _hang_up(program: Program) -> None:
    program.process.send_signal(signal.SIGHUP)


def _answering(address: str, count: int) -> set[grpc.StatusCode]:
    """Return the codes of calls, each on a new connection."""
    codes = set()
    for _ in range(count):
        with caller(address) as client:
            codes.add(client.infer(typed("beer-ibu", BEER_ROW)).code)
    return codes
