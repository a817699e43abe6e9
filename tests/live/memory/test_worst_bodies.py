"""The worst bodies of every route and gRPC method at once, in a program with every model that may take 512 MB."""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from app.runtime.thread_pool import QUEUE, SIZE
from tests.known import KEY
from tests.live.memory.worst_bodies import bodies_of, services
from tests.live.program import Program
from tests.live.rpc import caller
from tests.live.wire import exchange, request
from tests.memory_limit import LIMIT, MemoryLimit

pytestmark = pytest.mark.alone

AT_ONCE = SIZE + QUEUE
SLOW_CALLS = SIZE + 1
"""Number of calls that take half a second or more: all threads work, and a call waits."""
SLOW = ("form", "hop bills", "pictures", "PNG", "reference beers", "rows")
"""Names of such calls begin with one of these."""
HEALTH = request("GET", "/health/live")
HEALTH_SECONDS = 0.5
"""Most that a health check may take in half of the cases."""
SLOWEST_HEALTH_SECONDS = 2.0
"""Most that any may take on a busy machine."""
_MEGABYTE = 1_000_000


@dataclass
class Attacked:
    """The program under attack."""

    program: Program
    memory: MemoryLimit
    seconds: list[float] = field(default_factory=list)
    """How long each health check took."""

    def attack(self, name: str, send: Callable[[], object], count: int = AT_ONCE) -> Counter[object]:
        """Send requests at once, as many as run and wait; assert that the program stays alive, small and quick.

        Returns:
            The outcomes and their numbers.
        """
        self.memory.forget_peak()
        outcomes: list[object] = []
        threads = [threading.Thread(target=lambda: outcomes.append(send())) for _ in range(count)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        seconds = []
        while True:
            answer = self.program.send(HEALTH)
            assert answer.status == 200
            seconds.append(answer.seconds)
            if not any(thread.is_alive() for thread in threads):
                break
            time.sleep(0.05)
        took, counted = time.monotonic() - started, Counter(outcomes)
        line = f"{name}: peak {self.memory.peak / _MEGABYTE:.0f} MB, {took:.1f} s"
        line += f", health {statistics.median(seconds):.3f} s, at most {max(seconds):.3f} s, {dict(counted)}"
        print(line)
        assert not self.memory.killed and self.memory.peak < LIMIT, line
        assert max(seconds) < SLOWEST_HEALTH_SECONDS, line
        self.seconds += seconds
        assert len(outcomes) == count
        return counted


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The program with all models, REST and gRPC."""
    with MemoryLimit() as memory:
        settings = {"API_KEY": KEY, "PORT": "0", "BODY_TIMEOUT": "5"}
        program = Program(tmp_path_factory.mktemp("memory"), first=memory.enter, **settings)
        try:
            memory.watch(program.process.pid)
            program.port()
            yield Attacked(program, memory)
        finally:
            program.close()


def routes(program: Program) -> list[str]:
    """Every route that the program documents."""
    paths = program.send(request("GET", "/openapi.json", [("X-API-Key", KEY)])).json["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


@pytest.mark.parametrize("slow_calls", [SLOW_CALLS, pytest.param(AT_ONCE, marks=pytest.mark.nightly)])
def test_routes(attacked: Attacked, slow_calls: int) -> None:
    """Each is answered, or rejected with a reason: what is new has to be listed in `worst_bodies`."""
    port = attacked.program.port()
    for route in routes(attacked.program):
        for name, data in bodies_of(route).items():
            count = slow_calls if name.startswith(SLOW) else AT_ONCE
            if slow_calls < AT_ONCE and "{version}" in route and count < AT_ONCE:
                continue
            counted = attacked.attack(f"{route} {name}", partial(status_of, port, data), count)
            assert set(counted) <= {200, 400, 403, 404, 408, 413, 422, 503}, (route, name)
    assert statistics.median(attacked.seconds) < HEALTH_SECONDS


def status_of(port: int, data: bytes) -> int:
    """Send a request and return the status of the answer, for which long calls wait in a row."""
    return exchange(port, data, patience=120.0).status


def test_methods(attacked: Attacked) -> None:
    """Each call has an outcome that is no failure of the program."""
    with caller(attacked.program.rpc()) as client:
        for method, messages in services():
            for name, message in messages.items():
                counted = attacked.attack(
                    f"{method} {name}",
                    lambda method=method, message=message: client.call(method, message).code.name,  # type: ignore[misc]
                )
                assert not set(counted) & {"INTERNAL", "UNKNOWN", "UNAVAILABLE"}, (method, name)
    assert statistics.median(attacked.seconds) < HEALTH_SECONDS
