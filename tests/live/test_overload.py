"""Overload: more than can be done, for long; what is taken is answered soon, and all is well again afterwards."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator

import pytest

from tests.known import BEER, KEY
from tests.live.load import Tally, closed_loop, median_delay, memory, open_loop
from tests.live.program import Program
from tests.live.raw import post
from tests.live.test_management import free_port

BATCH = post(body=json.dumps({"beers": [BEER] * 1000}).encode(), target=b"/predict/batch")
LENGTHS = [
    pytest.param(5.0, 0.3, 5.0, id="short"),  # on a machine that does other things beside it: looser bounds
    pytest.param(60.0, 0.8, 1.0, id="long", marks=pytest.mark.nightly),
]
CONNECTIONS = 2_000


@pytest.fixture
def management(tmp_path_factory: pytest.TempPathFactory) -> int:
    """A free port."""
    return free_port()


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory, management: int) -> Iterator[Program]:
    """The program with a management port, logging as it does."""
    program = Program(tmp_path_factory.mktemp("overload"), API_KEY=KEY, PORT="0", MANAGEMENT_PORT=str(management))
    try:
        program.port()
        yield program
    finally:
        program.close()


async def _watched(program: Program, management: int, load: "asyncio.Future[Tally]") -> tuple[Tally, float, float]:
    (tally, service), (_, apart) = await asyncio.gather(
        median_delay(program.port(), b"/health/live", load), median_delay(management, b"/health/live", load)
    )
    return tally, service, apart


@pytest.mark.parametrize(("seconds", "share", "bound"), LENGTHS)
def test_ten_times_more_batches_than_can_be_done(
    program: Program, management: int, seconds: float, share: float, bound: float
) -> None:
    async def scene() -> None:
        port = program.port()
        await closed_loop(port, BATCH, 3, 1.0)
        best = await closed_loop(port, BATCH, 3, max(2.0, seconds / 6))
        before = memory(program.process.pid)
        load = asyncio.ensure_future(open_loop(port, BATCH, 10 * best.goodput, seconds))
        tally, service, apart = await _watched(program, management, load)
        after = memory(program.process.pid)
        print(
            f"\nbest {best.goodput:.0f}/s, overloaded {tally.goodput:.0f}/s, {tally.refused / seconds:.0f}/s refused, "
            f"{len(tally.failed)} failed {set(tally.failed)}, p50 {tally.accepted_within(0.5):.3f}, "
            f"p99 {tally.accepted_within(0.99):.3f} s, live {service * 1000:.0f} ms and "
            f"{apart * 1000:.0f} ms, {before:.0f} to {after:.0f} MB"
        )
        assert tally.goodput >= share * best.goodput
        assert tally.refused > 0
        assert tally.accepted_within(0.99) < bound
        assert service < bound / 2 and apart < bound / 20
        assert after - before < 150
        again = await closed_loop(port, BATCH, 3, 2.0)
        assert again.goodput >= share * best.goodput and not again.refused

    asyncio.run(scene())


async def _singles(port: int, connections: int, seconds: float, script: str) -> Tally:
    process = await asyncio.create_subprocess_exec(
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds:.0f}s",
        "--timeout",
        "10s",
        "-s",
        script,
        f"http://127.0.0.1:{port}/predict",
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    requests, failed, late, slowest = output.decode().strip().split("\n")[-1].split()
    good = int(requests) - int(failed) - int(late)
    return Tally(seconds, [float(slowest)] * good, 0, ["failed"] * (int(failed) + int(late)))


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (Debian: apt-get install wrk)")
@pytest.mark.parametrize(("seconds", "share", "bound"), LENGTHS)
def test_two_thousand_connections_that_ask_without_pause(
    program: Program,
    management: int,
    tmp_path_factory: pytest.TempPathFactory,
    seconds: float,
    share: float,
    bound: float,
) -> None:
    script = tmp_path_factory.mktemp("wrk") / "predict.lua"
    script.write_text(
        f'wrk.method = "POST"\nwrk.body = \'{json.dumps(BEER)}\'\nwrk.headers["X-API-Key"] = "{KEY}"\n'
        "function done(summary, latency)\n"
        "  local e = summary.errors\n"
        '  io.write(string.format("%d %d %d %f\\n", summary.requests, e.status + e.connect + e.read + e.write, '
        "e.timeout, latency:percentile(99) / 1e6))\nend\n",
        "utf-8",
    )

    async def scene() -> None:
        port = program.port()
        best = await _singles(port, 32, max(2.0, seconds / 6), str(script))
        before = memory(program.process.pid)
        load = asyncio.ensure_future(_singles(port, CONNECTIONS, seconds, str(script)))
        tally, service, apart = await _watched(program, management, load)
        after = memory(program.process.pid)
        print(
            f"\nbest {best.goodput:.0f}/s, overloaded {tally.goodput:.0f}/s, {len(tally.failed)} failed, "
            f"p99 {tally.accepted_within(0.99):.3f} s, live {service * 1000:.0f} ms and {apart * 1000:.0f} ms, "
            f"{before:.0f} to {after:.0f} MB"
        )
        assert tally.goodput >= share * best.goodput
        assert tally.accepted_within(0.99) < bound
        assert service < bound / 2 and apart < bound / 20
        assert after - before < 100
        started = time.monotonic()
        again = await _singles(port, 32, 2, str(script))
        assert again.goodput >= share * best.goodput and time.monotonic() - started < 5

    asyncio.run(scene())
