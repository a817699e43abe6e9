"""A fuzz test of the running program: it answers or closes every connection, without faults or internal details.

The seed is fixed; FUZZ_SEED overrides it. A failure prints the smallest failing request and the seed.
"""

import os
import re

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.known import KEY
from tests.live.fuzz import requests
from tests.live.program import Program
from tests.live.raw import BODY, post, send_and_read, statuses
from tests.live.wire import request

SEED = int(os.environ.get("FUZZ_SEED", "20"))
EXPECTED = {100, 200, 308, 400, 401, 403, 404, 405, 408, 413, 414, 415, 422, 431}
_INTERNAL = re.compile(rb"Traceback|File \"|site-packages|\nserver:|" + re.escape(KEY.encode()))


def _fuzz(program: Program, cases: int) -> None:
    port = program.port()
    counts: dict[int, int] = {}

    @seed(SEED)
    @settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def attempt(data: bytes) -> None:
        received = send_and_read(port, data)  # raises an error if the server does not close the connection
        received_statuses = statuses(received)
        for status in received_statuses:
            counts[status] = counts.get(status, 0) + 1
        assert set(received_statuses) <= EXPECTED, f"seed {SEED}: {received_statuses}"
        assert not _INTERNAL.search(received), f"seed {SEED}: {received!r}"
        answers = len(received_statuses) - received_statuses.count(100)
        assert received.count(b"x-content-type-options: nosniff") == answers, f"seed {SEED}: {received!r}"

    attempt()
    print(f"\nseed {SEED}, {cases} cases: {dict(sorted(counts.items()))}")
    assert {200, 400, 401, 404, 405, 422} <= counts.keys(), "the requests do not reach all parts of the program"
    assert statuses(send_and_read(port, post(b"X-Request-ID: after-the-fuzz\r\n"))) == [200]
    faults = [x for x in program.lines("after-the-fuzz") if x["level"] not in ("info", "warning")]
    assert faults == [] and KEY not in program.errors
    assert program.send(request("POST", "/predict", [("X-API-Key", KEY)], BODY)).status == 200


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_any_input_is_answered_or_closed_without_a_fault(program: Program, cases: int) -> None:
    _fuzz(program, cases)
