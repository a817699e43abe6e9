"""What goes out on a connection: responses, in the order of the requests."""

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp

from app.problem_types import MALFORMED_REQUEST
from app.rest.body import CLOSES
from app.rest.problems import RequestRejected
from app.serving.uvicorn_internals import FlowControl, RequestResponseCycle, ServerState, new_cycle
from app.serving.write_coalescing import CoalescingTransport


class OutgoingResponses:
    """The requests of one connection whose responses are due: one is running, the others wait."""

    __slots__ = ("_app", "_flow", "_loop", "_on_response", "_state", "_transport", "_waiting", "running")

    def __init__(
        self,
        app: ASGIApp,
        state: ServerState,
        transport: CoalescingTransport,
        flow: FlowControl,
        loop: asyncio.AbstractEventLoop,
        on_response: Callable[[], None],
    ) -> None:
        """Initialize the outgoing responses.

        Args:
            app: Answers the requests.
            state: The server's default headers and running tasks.
            transport: Takes the bytes of the responses.
            flow: Pauses reading while requests wait.
            loop: The event loop of the server.
            on_response: Called once a response is complete.
        """
        self._app = app
        self._state = state
        self._transport = transport
        self._flow = flow
        self._loop = loop
        self._on_response = on_response
        self._waiting: list[RequestResponseCycle] = []
        self.running: RequestResponseCycle | None = None
        """The request that the application is answering."""

    def begin(
        self, scope: dict[str, Any], keep_alive: bool, expect_100_continue: bool, pipelined: int
    ) -> RequestResponseCycle:
        """Begin a request, or queue it behind the one that is running.

        Args:
            scope: Its ASGI scope.
            keep_alive: Whether the connection stays open after the response.
            expect_100_continue: Whether the client waits for ``100 Continue``.
            pipelined: Maximum number of requests that wait.

        Raises:
            RequestRejected: Too many requests are waiting.
        """
        if len(self._waiting) >= pipelined:
            raise RequestRejected(MALFORMED_REQUEST)
        if not keep_alive:
            scope["state"][CLOSES] = True
        request = new_cycle(
            scope,
            self._transport,
            self._flow,
            self._state.default_headers,
            expect_100_continue,
            keep_alive,
            self._on_response,
        )
        if self.running is None:
            self._run(request)
        else:
            self._flow.pause_reading()
            self._waiting.append(request)
        return request

    def next(self) -> bool:
        """Go on to the next request.

        Returns:
            Whether there is one.
        """
        self.running = None
        if not self._waiting:
            return False
        self._run(self._waiting.pop(0))
        return True

    def are_due(self, incomplete: RequestResponseCycle | None) -> bool:
        """Whether complete requests wait for their responses.

        Args:
            incomplete: The request whose body is arriving, if any. If it waits in the queue, it is dropped.
        """
        if incomplete is not None and self._waiting and self._waiting[-1] is incomplete:
            self._waiting.pop()
        return self.running is not None and self.running is not incomplete

    def close_after_last(self) -> None:
        """Close the connection after the last response that is due."""
        last = self._waiting[-1] if self._waiting else self.running
        if last is not None:
            last.keep_alive = False

    def disconnect(self) -> None:
        """Tell the application that the client is gone."""
        self._waiting.clear()
        if self.running is not None:
            self.running.disconnected = True
            self.running.message_event.set()

    def _run(self, request: RequestResponseCycle) -> None:
        self.running = request
        task = self._loop.create_task(request.run_asgi(self._app))  # type: ignore[arg-type]
        task.add_done_callback(self._state.tasks.discard)
        self._state.tasks.add(task)
