"""Answers parts on the workers of a Dask cluster: one of this machine, or one that a scheduler has.

A worker loads the models itself, by its own settings, and compares their digests with those of the job before each
part. A worker that dies costs the part that it was at; another one answers it. Workers write the output themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from threading import Lock
from typing import Any

from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker

from app import __version__
from app.errors import BeerModelError, ScoringError
from app.runtime.memory import keep_large_blocks
from app.scoring.parts import Job, Receipt, answer_parts
from app.scoring.plan import Plan
from app.scoring.run import Engine, Task
from app.scoring.scorer import LoadedScorer, Model, load_scorer
from app.settings import load_model_settings

CONNECT_SECONDS = 10
"""Seconds to wait for the scheduler and for its first worker."""
WAITING_PER_THREAD = 2
"""Tasks that a worker has for each of its threads, so that it need not wait for the next one."""
_PLUGIN = "beer-model-score"
_START = "start them with `python -m dask scheduler` and `python -m dask worker` in the program's folder"


class Scorers(WorkerPlugin):  # type: ignore[misc]
    """The scorers that a worker has loaded, by model."""

    name = _PLUGIN

    def __init__(self) -> None:
        """Create the plugin; nothing is loaded yet."""
        self._loaded: dict[Model, LoadedScorer] = {}
        self._lock: Any = None

    def setup(self, worker: Any) -> None:
        """Prepare a worker."""
        self._lock = Lock()
        keep_large_blocks()

    def get(self, job: Job) -> LoadedScorer:
        """Return what answers a job.

        Args:
            job: The job.

        Raises:
            ScoringError: If the worker has another version of the program.
            BundleError: If a bundle is missing or bad.
        """
        with self._lock:
            loaded = self._loaded.get(job.model)
            if loaded is None or loaded.digests != job.digests:  # which may have been replaced since
                loaded = self._loaded[job.model] = load_scorer(load_model_settings(), job.model)
            return loaded


def on_cluster(where: str | int) -> Engine:
    """Return the engine that answers on a cluster.

    Args:
        where: Address of a scheduler, or the number of processes to start on this machine.
    """

    def answer(job: Job, tasks: Sequence[Task], answered: Callable[[int], None]) -> Iterator[tuple[Plan, Receipt]]:
        try:
            with ExitStack() as stack:
                client = _connect(where, stack)
                _register(client, where)
                yield from _answer(client, job, tasks, answered)
        except (FutureCancelledError, OSError):
            raise ScoringError(f"--scheduler: the connection to {where} was lost; run the command again") from None

    return answer


def _register(client: Any, where: str | int) -> None:
    """Let the workers load models.

    Raises:
        ScoringError: If the scheduler or a worker does not have the program.
    """
    try:
        client.register_plugin(Scorers())
    except Exception as error:  # what another process could not do arrives without its type
        raise ScoringError(f"--scheduler: {where} or a worker of it: {error}; {_START}") from None


def _connect(where: str | int, stack: ExitStack) -> Any:
    """Connect to the scheduler, or start a cluster, until the stack is closed.

    Raises:
        ScoringError: If the scheduler does not answer, or has no worker.
    """
    try:
        if isinstance(where, int):
            cluster = LocalCluster(
                n_workers=where, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
            )
            where = stack.enter_context(cluster)
        client = stack.enter_context(Client(where, timeout=CONNECT_SECONDS))
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError):
        raise ScoringError(f"--scheduler: {where} does not answer, or has no worker") from None
    return client


def _answer(
    client: Any, job: Job, tasks: Sequence[Task], answered: Callable[[int], None]
) -> Iterator[tuple[Plan, Receipt]]:
    waiting = list(reversed(tasks))
    running: dict[Any, Task] = {}
    completed = as_completed(raise_errors=False)
    while waiting or running:
        room = max(WAITING_PER_THREAD * sum(client.nthreads().values()), 1) - len(running)
        for _ in range(min(room, len(waiting))):
            task = waiting.pop()
            future = client.submit(_answer_task, job, task.plan, task.indexes, __version__, pure=False)
            running[future] = task
            completed.add(future)
        future = next(completed)
        task = running.pop(future)
        for receipt in _result(future, task):
            answered(receipt.rows)
            yield task.plan, receipt


def _result(future: Any, task: Task) -> list[Receipt]:
    """The receipts of a task.

    Raises:
        ScoringError: If the task failed.
    """
    try:
        receipts: list[Receipt] = future.result()
    except KilledWorker:
        raise ScoringError(f"{task.plan.source.name}: every worker that read a part of it has died") from None
    except BeerModelError as error:
        raise ScoringError(f"on a worker: {error}") from None
    return receipts


def _answer_task(job: Job, plan: Plan, indexes: Sequence[int], version: str) -> list[Receipt]:
    """Answer parts on a worker."""
    if version != __version__:
        raise ScoringError(f"has version {__version__} of this program, and not {version}")
    scorers: Scorers = get_worker().plugins[_PLUGIN]
    return list(answer_parts(job, plan, indexes, scorers.get(job)))
