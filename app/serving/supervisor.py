"""The supervisor: starts several worker processes that share a port, and replaces those that end."""

import asyncio
import contextlib
import logging
import signal
import socket
import subprocess  # nosec B404
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine
from pathlib import Path

from app.composition.program import Program
from app.errors import BundleError
from app.serving.serve import (
    enable_garbage_collection,
    log_addresses,
    open_port,
    reserve_grpc_port,
    start_management,
)
from app.serving.sockets import address_of
from app.settings import Settings
from app.telemetry.heartbeats import EventLoopHeartbeat

START_TIMEOUT = 60.0
"""Maximum number of seconds for the start of a worker during a rolling restart."""
MAX_RESTART_DELAY = 30.0
"""Maximum number of seconds between two starts of a worker that fails each time."""
_log = logging.getLogger(__name__)


class Worker:
    """A worker process, as the supervisor sees it."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        """Initialize the worker.

        Args:
            process: The process.
            line: The supervisor's end of a socket pair. The worker sends one byte once it serves, and stops when the
                supervisor closes its end.
        """
        self.process = process
        self.line = line
        self.ready = asyncio.Event()
        self.retired = False

    async def listen(self) -> None:
        """Wait until the worker serves, or has ended."""
        with contextlib.suppress(OSError):
            if await asyncio.get_running_loop().sock_recv(self.line, 1):
                self.ready.set()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the worker, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """Owns the port and the workers; answers no request itself."""

    def __init__(
        self,
        listening: socket.socket,
        count: int,
        grace: float,
        metrics_folder: Path,
        grpc_address: str = "",
        check_models: Callable[[], None] = lambda: None,
        role: str = "service",
    ) -> None:
        """Initialize the supervisor.

        Args:
            listening: The listening socket, which each worker inherits.
            count: Number of workers.
            grace: Maximum number of seconds for a worker to finish its requests.
            metrics_folder: Folder in which the workers share their metrics.
            grpc_address: Host and port that are reserved for gRPC; empty if gRPC is off.
            check_models: Raises `BundleError` if a new worker could not load the active models.
            role: The setting ROLE.
        """
        self._listening = listening
        self._count = count
        self._grace = grace
        self._metrics_folder = metrics_folder
        self._grpc_address = grpc_address
        self._role = role
        self._check_models = check_models
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._restarting = asyncio.Lock()
        self._failures = 0

    @property
    def is_ready(self) -> bool:
        """Whether a worker serves, and no shutdown has begun."""
        return not self._stopping.is_set() and any(worker.ready.is_set() for worker in self._workers)

    async def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT; SIGHUP replaces every worker in turn."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._create_task(self._restart_all()))
        first = [await self._start() for _ in range(self._count)]
        await asyncio.wait(
            [asyncio.create_task(x) for x in (*(worker.ready.wait() for worker in first), self._stopping.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        log_addresses(self._listening, self._grpc_address, self._count)
        await self._stopping.wait()
        await self._stop()

    def _create_task(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        inherited = (self._listening.fileno(), theirs.fileno())
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "app.serving.worker",
                *map(str, inherited),
                str(self._metrics_folder),
                self._grpc_address,
                self._role,
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
            )
        worker = Worker(process, ours)
        self._workers.add(worker)
        self._create_task(worker.listen())
        self._create_task(self._watch(worker))
        return worker

    async def _watch(self, worker: Worker) -> None:
        """Wait for the end of a worker, and replace the worker if the end was unexpected."""
        code = await worker.process.wait()
        self._workers.discard(worker)
        worker.line.close()
        if self._stopping.is_set() or worker.retired:
            return
        self._failures = 0 if worker.ready.is_set() else self._failures + 1
        _log.error("worker %d ended with %d; starting another", worker.process.pid, code)
        if self._failures:
            await asyncio.sleep(min(MAX_RESTART_DELAY, 0.5 * 2**self._failures))
        if not self._stopping.is_set():
            await self._start()

    async def _restart_all(self) -> None:
        """Replace the workers one after the other: an old worker stops once its successor serves."""
        async with self._restarting:
            try:
                await asyncio.to_thread(self._check_models)
            except BundleError as error:
                _log.error("the old workers keep running: %s", error)
                return
            for old in list(self._workers):
                new = await self._start()
                new.retired = True  # until it serves, its end is no reason to start another
                try:
                    await asyncio.wait_for(new.ready.wait(), START_TIMEOUT)
                except TimeoutError:
                    _log.error("the new worker %d does not serve; the old workers keep running", new.process.pid)
                    new.stop(signal.SIGKILL)
                    return
                new.retired, old.retired = False, True
                old.stop()
                await old.process.wait()
            _log.info("every worker was replaced")

    async def _stop(self) -> None:
        workers = list(self._workers)
        for worker in workers:
            worker.stop()
        if not workers:
            return
        _, late = await asyncio.wait(
            [asyncio.create_task(worker.process.wait()) for worker in workers], timeout=self._grace + 2
        )
        if late:
            for worker in workers:
                worker.stop(signal.SIGKILL)
            await asyncio.wait(late)


def supervise(settings: Settings, program: Program) -> None:
    """Serve in several processes until a signal stops them.

    Args:
        settings: The ports, the limits and the number of workers; each worker reads the settings again.
        program: The loaded program, which proves that workers can start; has the metrics for the management port.

    Raises:
        SystemExit: 1 if a port cannot be opened.
    """
    metrics = program.metrics
    metrics.clear_gauges()
    if metrics.folder is None:
        raise ValueError("several workers need a metrics folder")
    with open_port(settings.host, settings.port) as listening:
        grpc_port = reserve_grpc_port(settings)
        supervisor = Supervisor(
            listening,
            settings.workers,
            settings.shutdown_grace,
            metrics.folder,
            address_of(grpc_port) if grpc_port else "",
            program.manager.check_active,
            settings.role,
        )
        management = start_management(settings, program, lambda: supervisor.is_ready)
        enable_garbage_collection()
        asyncio.run(_run(supervisor, program.event_loop))
        if management is not None:
            management.stop()


async def _run(supervisor: Supervisor, event_loop: EventLoopHeartbeat) -> None:
    event_loop.start()
    await supervisor.run()
    event_loop.stop()
