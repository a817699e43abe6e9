"""``python -m benchmarks.telemetry``: what OpenTelemetry and the usage counts cost a request, in this process.

The program is built once for each variant, and answers `POST /predict` of one small beer through its ASGI application,
without sockets. The variants take turns, and the least time of all rounds counts. Time of the event loop's thread is
what a request pays; time of the process also has that of the threads that export.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.composition.program import Program, build
from app.domains.beer.schema import EXAMPLE_BEER
from app.domains.discovery import discover
from app.models.starting import load_active
from app.settings import Settings
from benchmarks.servers import ROOT

KEY = "a-key-for-the-benchmark"
BODY = json.dumps(EXAMPLE_BEER).encode()
COLLECTOR = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
"""A program that takes everything and keeps nothing."""


def main() -> None:
    """Measure and print the times."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.telemetry", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each variant (15)")
    parser.add_argument("--requests", type=int, default=1000, help="requests in a round (1,000)")
    arguments = parser.parse_args()
    os.chdir(tempfile.mkdtemp())
    with _collector() as url:
        traced = {"otel_exporter_otlp_endpoint": url}
        rare = {"otel_traces_sampler": "parentbased_traceidratio", "otel_traces_sampler_arg": 0.01}
        variants: dict[str, dict[str, Any]] = {
            "off": {},
            "off, again": {},
            "OpenTelemetry, all calls": traced,
            "OpenTelemetry, 1 in 100": {**traced, **rare},
            "OpenTelemetry, none": {**traced, "otel_traces_sampler": "always_off"},
            "usage": {"usage_path": Path("usage.json")},
        }
        asyncio.run(_measure(variants, arguments.rounds, arguments.requests))


async def _measure(variants: dict[str, dict[str, Any]], rounds: int, requests: int) -> None:
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # the access log
    programs = {name: _program(changes) for name, changes in variants.items()}
    for program in programs.values():
        program.lifecycle.start()
        await _answer(program, 200)
    loop_us: dict[str, list[float]] = {name: [] for name in programs}
    process_us: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            thread, process = time.thread_time(), time.process_time()
            await _answer(program, requests)
            loop_us[name].append(1e6 * (time.thread_time() - thread) / requests)
            await asyncio.sleep(0.3)  # the threads export meanwhile
            process_us[name].append(1e6 * (time.process_time() - process) / requests)
    for program in programs.values():
        await program.lifecycle.stop()
    base = min(loop_us["off"])
    print(
        f"{'variant':28} {'event loop':>12} {'over off':>10} {'process':>10}   (us a request, least of {rounds} rounds)"
    )
    for name in programs:
        least = min(loop_us[name])
        print(f"{name:28} {least:12.1f} {least - base:+10.1f} {min(process_us[name]):10.1f}")


def _program(changes: dict[str, Any]) -> Program:
    settings = Settings(api_key=KEY, model_uri=str(ROOT / "models"), **changes)
    program = build(settings, discover())
    load_active(program.manager)
    return program


async def _answer(program: Program, requests: int) -> None:
    headers = [
        (b"x-api-key", KEY.encode()),
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(BODY)),
    ]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200  # nosec B101

    for _ in range(requests):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/predict",
            "raw_path": b"/predict",
            "query_string": b"",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            "state": {},
        }
        await program.rest(scope, receive, send)


@contextmanager
def _collector() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", COLLECTOR], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # nosec B101
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


if __name__ == "__main__":
    main()
