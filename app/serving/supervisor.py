"""Workers: several processes that serve one port, and the parent that keeps their number."""

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
from app.serving.serve import keep_rpc_port, open_port, settle, start_management, told
from app.serving.sockets import address_of
from app.settings import Settings

LONGEST_START = 60.0
"""Seconds after which a worker that a restart waits for is given up."""
LONGEST_PAUSE = 30.0
"""Seconds between attempts to start a worker that fails each time."""
_log = logging.getLogger(__name__)


class Worker:
    """A process that serves."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        """Initialize the worker.

        Args:
            process: The process.
            line: Our end: it says a byte once it serves; it stops when we are gone.
        """
        self.process = process
        self.line = line
        self.ready = asyncio.Event()
        self.retired = False

    async def listen(self) -> None:
        """Wait until it serves, or is gone."""
        with contextlib.suppress(OSError):
            if await asyncio.get_running_loop().sock_recv(self.line, 1):
                self.ready.set()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """The parent: it binds the port, and serves nothing itself."""

    def __init__(
        self,
        listening: socket.socket,
        count: int,
        grace: float,
        metrics_folder: Path,
        rpc: str = "",
        try_models: Callable[[], None] = lambda: None,
        role: str = "service",
    ) -> None:
        """Initialize the supervisor.

        Args:
            listening: The open port, which each worker inherits.
            count: How many workers there shall be.
            grace: Seconds that each has to finish what is in work.
            metrics_folder: Where workers put what is counted, so that each can tell the sum.
            rpc: Address that is kept for gRPC, where each worker listens; empty: none is served.
            try_models: Raises `BundleError` where a new worker should not load what there is.
            role: What each serves.
        """
        self._listening = listening
        self._count = count
        self._grace = grace
        self._metrics_folder = metrics_folder
        self._rpc = rpc
        self._role = role
        self._try_models = try_models
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._rolling = asyncio.Lock()
        self._failures = 0

    @property
    def is_ready(self) -> bool:
        """Whether a worker serves and none is told to stop."""
        return not self._stopping.is_set() and any(worker.ready.is_set() for worker in self._workers)

    async def run(self) -> None:
        """Keep the workers until told to stop by SIGTERM or SIGINT; SIGHUP puts a new one in each one's place."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._begin(self._roll()))
        first = [await self._start() for _ in range(self._count)]
        await asyncio.wait(
            [asyncio.create_task(x) for x in (*(worker.ready.wait() for worker in first), self._stopping.wait())],
            return_when=asyncio.FIRST_COMPLETED,
        )
        _log.info("running on %s with %d workers", told(self._listening, self._rpc), self._count)
        await self._stopping.wait()
        await self._stop()

    def _begin(self, coroutine: Coroutine[None, None, None]) -> None:
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
                self._rpc,
                self._role,
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
            )
        worker = Worker(process, ours)
        self._workers.add(worker)
        self._begin(worker.listen())
        self._begin(self._watch(worker))
        return worker

    async def _watch(self, worker: Worker) -> None:
        """Wait for a worker's end, and start another where it was not wanted."""
        code = await worker.process.wait()
        self._workers.discard(worker)
        worker.line.close()
        if self._stopping.is_set() or worker.retired:
            return
        self._failures = 0 if worker.ready.is_set() else self._failures + 1
        _log.error("worker %d ended with %d; another takes its place", worker.process.pid, code)
        if self._failures:
            await asyncio.sleep(min(LONGEST_PAUSE, 0.5 * 2**self._failures))
        if not self._stopping.is_set():
            await self._start()

    async def _roll(self) -> None:
        """Put a new worker in the place of each, one after the other; the old one leaves once the new one serves."""
        async with self._rolling:
            try:
                await asyncio.to_thread(self._try_models)
            except BundleError as error:
                _log.error("the old workers stay: %s", error)
                return
            for old in list(self._workers):
                new = await self._start()
                new.retired = True  # until it has proved itself, its end is no loss
                try:
                    await asyncio.wait_for(new.ready.wait(), LONGEST_START)
                except TimeoutError:
                    _log.error("the new worker %d does not serve: the old ones stay", new.process.pid)
                    new.stop(signal.SIGKILL)
                    return
                new.retired, old.retired = False, True
                old.stop()
                await old.process.wait()
            _log.info("every worker is new")

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
    """Serve in several processes until told to stop.

    Args:
        settings: Name the ports, bounds and number of workers; each worker reads them again.
        program: Verified; it shows that workers can start, and has the metrics for the management port.

    Raises:
        SystemExit: 1 where a port cannot be opened.
    """
    metrics = program.metrics
    metrics.clear_gauges()
    if metrics.folder is None:
        raise ValueError("several workers need a folder to share")
    with open_port(settings.host, settings.port) as listening:
        kept = keep_rpc_port(settings)
        supervisor = Supervisor(
            listening,
            settings.workers,
            settings.shutdown_grace,
            metrics.folder,
            address_of(kept) if kept else "",
            program.manager.check_active,
            settings.role,
        )
        management = start_management(settings, program, lambda: supervisor.is_ready)
        settle()
        asyncio.run(supervisor.run())
        if management is not None:
            management.stop()
