"""The supervisor: starts several worker processes that share a port, and replaces those that end."""

import asyncio
import contextlib
import logging
import signal
import socket
import subprocess  # nosec B404
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Iterable

from app.composition.program import Program
from app.errors import BundleError
from app.serving.serve import (
    enable_garbage_collection,
    log_addresses,
    open_port,
    reserve_grpc_port,
    start_management,
)
from app.serving.signals import blocked_for_workers, disregard_further_signals
from app.serving.sockets import address_of
from app.settings import Settings
from app.telemetry.heartbeats import EventLoopHeartbeat
from app.telemetry.metrics import REPLACEMENTS, Registry

START_TIMEOUT = 60.0
"""Maximum number of seconds for the start of a worker during a rolling restart."""
FIRST_START_TIMEOUT = 300.0
"""Maximum number of seconds for the start of any other worker: with a large model on a slow disk, all start at once."""
STALL_SECONDS = 10.0
"""Seconds without a sign of life after which a worker is replaced.

A worker's event loop gives one every `app.serving.worker.BEAT_SECONDS`, whatever its thread pool does. The longest turn
of the loop takes less than 1 s on a quarter of a core.
"""
CHECK_SECONDS = 1.0
"""Seconds between two checks of the signs of life."""
MAX_CHECK_GAP = 3.0
"""Seconds between two checks that show that the supervisor itself was held up, as by `docker pause`.

Then the workers were held up, too, and get the full time again.
"""
SHORT_LIFE = 10.0
"""Seconds: a worker that ends sooner after it began to serve is likely to end again."""
KILL_MARGIN = 2.0
"""Seconds beyond SHUTDOWN_GRACE after which a worker that was told to stop is killed."""
MAX_RESTART_DELAY = 30.0
"""Maximum number of seconds between two starts of a worker that fails each time."""
_log = logging.getLogger(__name__)


class Worker:
    """A worker process, as the supervisor sees it."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        """Initialize the worker.

        Args:
            process: The process.
            line: The supervisor's end of a socket pair. The worker sends a byte once it serves, and one at each beat of
                its event loop; it stops when the supervisor closes its end.
        """
        self.process = process
        self.line = line
        self.ready = asyncio.Event()
        self.retired = False
        self.stalled = False
        self.started = self.beat = time.monotonic()

    async def listen(self) -> None:
        """Note the worker's signs of life until it ends."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while await loop.sock_recv(self.line, 64):
                self.beat = time.monotonic()
                if not self.ready.is_set():
                    self.started = self.beat
                    self.ready.set()

    @property
    def is_stalled(self) -> bool:
        """Whether the worker gives no sign of life."""
        limit = STALL_SECONDS if self.ready.is_set() else FIRST_START_TIMEOUT
        return time.monotonic() - self.beat > limit

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the worker, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def end(self, seconds: float) -> None:
        """Tell the worker to stop, and kill it if it takes longer, which ends a suspended process as well."""
        self.stop()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            _log.error("worker %d does not stop; it is killed", self.process.pid)
            self.stop(signal.SIGKILL)
            await self.process.wait()


class Supervisor:
    """Owns the port and the workers; answers no request itself."""

    def __init__(
        self,
        listening: socket.socket,
        count: int,
        grace: float,
        metrics: Registry,
        grpc_address: str = "",
        check_models: Callable[[], None] = lambda: None,
        role: str = "service",
        models: Iterable[str] = (),
    ) -> None:
        """Initialize the supervisor.

        Args:
            listening: The listening socket, which each worker inherits.
            count: Number of workers.
            grace: Maximum number of seconds for a worker to finish its requests.
            metrics: Counts replaced workers; its folder is the one in which the workers share their metrics.
            grpc_address: Host and port that are reserved for gRPC; empty if gRPC is off.
            check_models: Raises `BundleError` if a new worker could not load the active models.
            role: The setting ROLE.
            models: The models to serve, which were chosen at the start.
        """
        self._listening = listening
        self._count = count
        self._grace = grace
        self._metrics_folder = metrics.folder
        self._ended = metrics.counter(REPLACEMENTS, "ended")
        self._stalled = metrics.counter(REPLACEMENTS, "stalled")
        self._grpc_address = grpc_address
        self._role = role
        self._models = ",".join(models)
        self._check_models = check_models
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._starting = asyncio.Lock()
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
        for _ in range(self._count):
            self._create_task(self._start_until_done())
        self._create_task(self._check())
        self._create_task(self._announce())
        await self._stopping.wait()
        await self._stop()

    async def _announce(self) -> None:
        """Log the addresses once a worker serves."""
        while not self.is_ready:
            await asyncio.sleep(0.02)
            if self._stopping.is_set():
                return
        log_addresses(self._listening, self._grpc_address, self._count)

    async def _check(self) -> None:
        """Kill the workers that give no sign of life; `_watch` replaces them."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now = time.monotonic()
            was_held_up, last = now - last > MAX_CHECK_GAP, now
            for worker in list(self._workers):
                if was_held_up:
                    worker.beat = now
                elif worker.is_stalled and not worker.stalled:
                    worker.stalled = True
                    silence = now - worker.beat
                    _log.error("worker %d has not reacted for %.0f s; it is killed", worker.process.pid, silence)
                    worker.stop(signal.SIGKILL)

    def _create_task(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> Worker | None:
        """Start a worker; None if the shutdown has begun, or no process can be created."""
        async with self._starting:
            if self._stopping.is_set():
                return None
            try:
                return await self._create_worker()
            except OSError as error:
                _log.error("cannot start a worker: %s", error.strerror)
                return None

    async def _create_worker(self) -> Worker:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        inherited = (self._listening.fileno(), theirs.fileno())
        try:
            with blocked_for_workers():
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "app.serving.worker",
                    *map(str, inherited),
                    str(self._metrics_folder or ""),
                    self._grpc_address,
                    self._role,
                    self._models,
                    pass_fds=inherited,
                    stdin=subprocess.DEVNULL,
                )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        worker = Worker(process, ours)
        self._workers.add(worker)
        self._create_task(worker.listen())
        self._create_task(self._watch(worker))
        return worker

    async def _start_until_done(self) -> None:
        """Start a worker, and try again later if no process can be created."""
        while await self._start() is None and not self._stopping.is_set():
            self._failures += 1
            await asyncio.sleep(self._delay())

    def _delay(self) -> float:
        return min(MAX_RESTART_DELAY, 0.5 * 2.0 ** min(self._failures, 10))

    async def _watch(self, worker: Worker) -> None:
        """Wait for the end of a worker, and replace the worker if the end was unexpected."""
        code = await worker.process.wait()
        self._workers.discard(worker)
        worker.line.close()
        if self._stopping.is_set() or worker.retired:
            return
        served = worker.ready.is_set()
        lived = time.monotonic() - worker.started >= SHORT_LIFE
        self._failures = 0 if served and lived else self._failures + 1
        (self._stalled if worker.stalled else self._ended).inc()
        _log.error("worker %d ended with %d; starting another", worker.process.pid, code)
        if self._failures > (self._count if served else 0):  # a worker that served may have been killed from outside
            await asyncio.sleep(self._delay())
        await self._start_until_done()

    async def _restart_all(self) -> None:
        """Replace the workers one after the other: an old worker stops once its successor serves."""
        async with self._restarting:
            try:
                await asyncio.to_thread(self._check_models)
            except BundleError as error:
                _log.error("the old workers keep running: %s", error)
                return
            for old in list(self._workers):
                if old not in self._workers:
                    continue  # ended in the meantime, and has a successor
                new = await self._start()
                if new is None:
                    return
                new.retired = True  # until it serves, its end is no reason to start another
                try:
                    await asyncio.wait_for(new.ready.wait(), START_TIMEOUT)
                except TimeoutError:
                    _log.error("the new worker %d does not serve; the old workers keep running", new.process.pid)
                    new.stop(signal.SIGKILL)
                    return
                if old not in self._workers:
                    await new.end(self._grace + KILL_MARGIN)
                    continue
                new.retired, old.retired = False, True
                await old.end(self._grace + KILL_MARGIN)
            _log.info("every worker was replaced")

    async def _stop(self) -> None:
        async with self._starting:
            workers = list(self._workers)
        await asyncio.gather(*(worker.end(self._grace + KILL_MARGIN) for worker in workers))


def supervise(settings: Settings, program: Program, on_open: Callable[[str], None] | None = None) -> None:
    """Serve in several processes until a signal stops them.

    Args:
        settings: The ports, the limits and the number of workers; each worker reads the settings again.
        program: The loaded program, which proves that workers can start; has the metrics for the management port.
        on_open: Called with host and port once the service port is open.

    Raises:
        SystemExit: 1 if a port cannot be opened.
    """
    metrics = program.metrics
    metrics.clear_gauges()
    with open_port(settings.host, settings.port) as listening:
        grpc_port = reserve_grpc_port(settings)
        if on_open is not None:
            on_open(address_of(listening))
        supervisor = Supervisor(
            listening,
            settings.workers,
            settings.shutdown_grace,
            metrics,
            grpc_port.address if grpc_port else "",
            program.manager.check_active,
            settings.role,
            program.manager.names,
        )
        management = start_management(settings, program, lambda: supervisor.is_ready)
        enable_garbage_collection()
        try:
            asyncio.run(_run(supervisor, program.event_loop))
        finally:
            disregard_further_signals()
            if management is not None:
                management.stop()


async def _run(supervisor: Supervisor, event_loop: EventLoopHeartbeat) -> None:
    event_loop.start()
    await supervisor.run()
    event_loop.stop()
