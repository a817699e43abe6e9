"""The function's runtime: awslambdaric, the cloud's own client, against a Runtime API that this process serves."""

import json
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.live.program import PATIENCE, environment

_ROOT = "/2018-06-01/runtime"


@dataclass(frozen=True)
class Outcome:
    """The result of an invocation or of the function's start."""

    kind: str
    """``response``, ``error`` or ``init``."""
    body: Any


class Runtime:
    """A running function: one process that requests events and gets those of the test."""

    def __init__(
        self,
        handler: str,
        folder: Path,
        code: Path | None = None,
        command: Sequence[str] = (sys.executable, "-m", "awslambdaric"),
        **settings: str,
    ) -> None:
        """Start the function.

        Args:
            handler: ``package.module.function``.
            folder: Working folder.
            code: Folder of the function's code; the checkout if None.
            command: The runtime's client.
            settings: Environment variables.
        """
        self._events: queue.Queue[tuple[str, str, bytes] | None] = queue.Queue()
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self.ready = threading.Event()
        """Set once the function has started and requests its first event."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.log = folder / "function.log"
        variables = environment(**settings)
        if code is not None:
            variables |= {"PYTHONPATH": str(code), "LAMBDA_TASK_ROOT": str(code), "MODEL_URI": str(code / "models")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, handler],
                cwd=folder,
                env={
                    **variables,
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                    "AWS_LAMBDA_FUNCTION_NAME": "beer-model",
                    "AWS_LAMBDA_FUNCTION_VERSION": "1",
                    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        events, outcomes, ready = self._events, self._outcomes, self.ready

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                ready.set()
                event = events.get()
                if event is None:
                    self.close_connection = True
                    return
                request_id, deadline, body = event
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
                self.send_header("Lambda-Runtime-Deadline-Ms", deadline)
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:0:function:beer")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self._body()
                kind = "init" if self.path == f"{_ROOT}/init/error" else self.path.rpartition("/")[2]
                outcomes.put(Outcome(kind, json.loads(body) if body else None))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                data = b""
                while size := int(self.rfile.readline().partition(b";")[0], 16):
                    data += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return data

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler

    def invoke(self, event: Any, seconds: float = 30.0) -> Outcome:
        """Send an event and wait for the outcome.

        Args:
            event: Sent as JSON; bytes are sent unchanged.
            seconds: The remaining time that the event states.
        """
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._events.put((uuid.uuid4().hex, str(int((time.time() + seconds) * 1000)), body))
        return self.outcome()

    def outcome(self) -> Outcome:
        """Wait for the outcome of the invocation or the start."""
        return self._outcomes.get(timeout=PATIENCE)

    @property
    def output(self) -> str:
        """The output of the function."""
        return self.log.read_text("utf-8", "replace")

    def close(self) -> None:
        """Stop the function and the Runtime API."""
        self.process.terminate()
        self._events.put(None)
        self.process.wait(PATIENCE)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
