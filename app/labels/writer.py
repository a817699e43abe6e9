"""The writer of labels: a thread that stores what calls hand over, so that the event loop never waits for the disk."""

import asyncio
import logging
import queue
import threading
from concurrent.futures import Future

from app.errors import LabelConflict, LabelsUnavailable, Overloaded
from app.labels.store import LabelStore, Offer, Outcome
from app.telemetry.metrics import Family, Registry

MAX_WAITING = 256
"""Maximum number of labels that wait for the disk in a process; further ones are rejected."""
MAX_SECONDS = 15.0
"""Maximum number of seconds that a call waits for the disk."""
STOP_SECONDS = 2.0
"""Maximum number of seconds for which the program's end waits for the disk."""

LABELS = Family(
    "feedback_labels_total",
    "Labels received, by kind and outcome: stored, replaced, repeated, conflict or failed.",
    "counter",
    ("kind", "outcome"),
)
FAILED = "failed"
_log = logging.getLogger(__name__)
_Task = tuple[Offer, "Future[Outcome]"]


class LabelWriter:
    """Stores labels in a thread of its own. Labels that wait together are stored with one write to the disk."""

    def __init__(self, store: LabelStore, metrics: Registry) -> None:
        """Initialize the writer; see `app.lifecycle.Component`.

        Args:
            store: The store.
            metrics: Registry of the process's metrics.
        """
        self._store = store
        self._metrics = metrics
        self._queue: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name="labels", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    async def stop(self) -> None:
        """Store what is waiting, and end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, STOP_SECONDS)

    async def add(self, offer: Offer) -> None:
        """Store a label. It is on the disk when this returns.

        Args:
            offer: The label.

        Raises:
            LabelConflict: If there is another label with the same id.
            LabelsUnavailable: If the label cannot be stored.
            Overloaded: If too many labels wait.
        """
        if self._queue.qsize() >= MAX_WAITING:
            raise Overloaded
        future: Future[Outcome] = Future()
        self._queue.put((offer, future))
        try:
            async with asyncio.timeout(MAX_SECONDS):
                outcome = await asyncio.wrap_future(future)
        except (TimeoutError, LabelsUnavailable):
            self._metrics.counter(LABELS, offer.label.kind, FAILED).inc()
            raise LabelsUnavailable from None
        self._metrics.counter(LABELS, offer.label.kind, outcome.value).inc()
        if outcome is Outcome.CONFLICT:
            raise LabelConflict

    def _run(self) -> None:
        while (task := self._queue.get()) is not None:
            tasks = [task]
            while not self._queue.empty():  # no other thread takes from the queue
                if (further := self._queue.get()) is None:
                    self._queue.put(None)
                    break
                tasks.append(further)
            self._store_all([task for task in tasks if task[1].set_running_or_notify_cancel()])

    def _store_all(self, tasks: list[_Task]) -> None:
        if not tasks:
            return
        try:
            outcomes = self._store.add([offer for offer, _ in tasks])
        except Exception as error:  # the thread must go on, and no call may wait for ever
            self._note_failure(error)
            for _, future in tasks:
                future.set_exception(LabelsUnavailable())
            return
        self._is_failing = False
        for (_, future), outcome in zip(tasks, outcomes, strict=True):
            future.set_result(outcome)

    def _note_failure(self, error: Exception) -> None:
        """Log the first failure after a success."""
        if self._is_failing:
            return
        self._is_failing = True
        if isinstance(error, LabelsUnavailable):
            _log.error("labels cannot be stored: %s", error)
        else:
            _log.exception("labels cannot be stored")
