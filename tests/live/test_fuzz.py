"""A fuzz of the running program, byte by byte: always an answer or an end, never a fault, never a word of the inside.

The seed is fixed; FUZZ_SEED takes another. A failure prints the smallest request that brings it about, and the seed.
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
EXPECTED = {100, 200, 400, 401, 403, 404, 405, 408, 413, 414, 415, 422, 431}
_INSIDE = re.compile(rb"Traceback|File \"|site-packages|\nserver:|" + re.escape(KEY.encode()))


def _fuzz(program: Program, cases: int) -> None:
    port = program.port()
    seen: dict[int, int] = {}

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
        received = send_and_read(port, data)  # raises where it neither answers nor closes
        found = statuses(received)
        for status in found:
            seen[status] = seen.get(status, 0) + 1
        assert set(found) <= EXPECTED, f"seed {SEED}: {found}"
        assert not _INSIDE.search(received), f"seed {SEED}: {received!r}"
        answers = len(found) - found.count(100)
        assert received.count(b"x-content-type-options: nosniff") == answers, f"seed {SEED}: {received!r}"

    attempt()
    print(f"\nseed {SEED}, {cases} cases: {dict(sorted(seen.items()))}")
    assert {200, 400, 401, 404, 405, 422} <= seen.keys(), "the fuzz reaches every part of the program"
    assert statuses(send_and_read(port, post(b"X-Request-ID: after-the-fuzz\r\n"))) == [200]
    faults = [x for x in program.lines("after-the-fuzz") if x["level"] not in ("info", "warning")]
    assert faults == [] and KEY not in program.errors
    assert program.send(request("POST", "/predict", [("X-API-Key", KEY)], BODY)).status == 200


@pytest.mark.parametrize("cases", [2_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_whatever_comes_is_answered_or_closed_and_never_a_fault(program: Program, cases: int) -> None:
    _fuzz(program, cases)
