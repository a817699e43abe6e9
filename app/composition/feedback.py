"""Builds what takes labels. Imported only where FEEDBACK_ENABLED is set."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from app.bundle.fetch import models_root
from app.domains.api import DomainApi
from app.domains.beer.api import BeerApi
from app.domains.beer.feedback import EXAMPLES, Feedback, StoredLabel, contradictions_of_feedback, offer_of
from app.errors import SettingsError
from app.labels.quality_watch import QualityWatcher, Sources
from app.labels.store import Bounds, LabelStore
from app.labels.writer import LabelWriter
from app.lifecycle import Component
from app.rest.feedback import FeedbackHandler, LabelForm
from app.runtime.memory_budget import MemoryBudget
from app.runtime.thread_pool import BoundedThreadPool
from app.settings import Settings
from app.telemetry.metrics import Registry


def build_feedback(
    settings: Settings,
    domains: Sequence[DomainApi],
    thread_pool: BoundedThreadPool,
    memory_budget: MemoryBudget,
    metrics: Registry,
) -> tuple[FeedbackHandler, list[Component]]:
    """Build the handler of labels, and the components that store them and set the metrics of online quality.

    Args:
        settings: The settings.
        domains: The domains that are served.
        thread_pool: Runs the model on beers that come with labels.
        memory_budget: Limits what requests in progress hold.
        metrics: Registry of the process's metrics.

    Raises:
        SettingsError: If the beer models are not served, or the folder of labels cannot be written.
    """
    beers = next((domain for domain in domains if isinstance(domain, BeerApi)), None)
    if beers is None:
        raise SettingsError("FEEDBACK_ENABLED: labels are about beers, and the beer models are not served")
    folder = settings.feedback_path or settings.record_path
    if "://" in folder:
        raise SettingsError("FEEDBACK_PATH: must be a folder where RECORD_PATH is a bucket: labels need one")
    name = "FEEDBACK_PATH" if settings.feedback_path else "RECORD_PATH"
    bounds = Bounds(settings.feedback_max_labels, settings.feedback_max_bytes, settings.feedback_max_days)
    store = LabelStore(Path(folder), bounds)
    try:
        store.check()
    except OSError as error:
        raise SettingsError(f"{name}: labels cannot be written there: {error.strerror}") from None
    form = LabelForm(Feedback, StoredLabel, partial(offer_of, beers), contradictions_of_feedback, EXAMPLES)
    writer = LabelWriter(store, metrics)
    handler = FeedbackHandler(form, writer, thread_pool, memory_budget, settings.body_limit)
    paths = list(dict.fromkeys((folder, settings.record_path)))
    window, endpoint = settings.feedback_window_days, settings.s3_endpoint
    watcher = QualityWatcher(Sources(Path(folder), paths, models_root(settings), window, endpoint), metrics)
    return handler, [writer, watcher]
