"""Builds the program: everything that a process needs to serve, once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from app.access.guard import Guard
from app.access.public import PublicModels
from app.audit import Audit
from app.composition.access import build_keys, build_limits, build_public_models
from app.composition.models import build_manager, build_model_server
from app.composition.records import build_recorder
from app.composition.telemetry import Telemetry, build_telemetry
from app.domains.api import DomainApi
from app.lifecycle import Component, Lifecycle
from app.models.changes import ChangeMetrics
from app.models.manager import ModelManager
from app.models.reloader import ModelReloader
from app.oip.data_plane import DataPlane
from app.rest.api_key import Access
from app.rest.application import Backend, RestApplication, RestOptions
from app.rest.routes import metrics_app
from app.runtime.memory_budget import MemoryBudget
from app.runtime.thread_pool import BoundedThreadPool
from app.settings import Settings
from app.telemetry.calls import CallWatch
from app.telemetry.heartbeats import EventLoopHeartbeat
from app.telemetry.logs import RequestLog, at_turns_end
from app.telemetry.metrics import Registry
from app.traffic.traffic import Traffic
from app.traffic.watcher import RolloutWatcher

if TYPE_CHECKING:
    from app.rest.feedback import FeedbackHandler


@dataclass(frozen=True)
class Program:
    """The parts of the program. REST and gRPC share all of them."""

    manager: ModelManager
    """Owns the loaded models."""
    lifecycle: Lifecycle
    """Starts and stops what runs in the background; knows whether the process is ready."""
    rest: RestApplication
    """The REST API, an ASGI application."""
    metrics_app: ASGIApp
    """An ASGI application that answers GET /metrics without a key, for the management port."""
    metrics: Registry
    """Registry of the process's metrics."""
    guard: Guard
    """Decides whether a call may go on."""
    public_models: PublicModels
    """The models that need no key."""
    data_plane: DataPlane
    """Answers the Open Inference Protocol."""
    thread_pool: BoundedThreadPool
    """Runs calls that take long."""
    memory_budget: MemoryBudget
    """Limits what calls in progress hold together."""
    log: RequestLog
    """Writes the access log."""
    event_loop: EventLoopHeartbeat
    """Knows whether the event loop turns."""
    traffic: Traffic
    """Knows which versions are tried."""
    watch: CallWatch | None = None
    """Sees every call, if something wants to."""


def build(settings: Settings, domains: Sequence[type[DomainApi]], metrics: Registry | None = None) -> Program:
    """Build the program; no model is loaded yet, and nothing runs in the background.

    Args:
        settings: The settings.
        domains: The domains to serve.
        metrics: Registry of the process's metrics; by default a new one in this process's memory.

    Raises:
        SettingsError: If the key file is missing or invalid, the rate is invalid, a public model is not served,
            a route begins as the root path does, labels cannot be stored, or OpenTelemetry is set and not installed.
        BundleError: If the model server does not list its models.
    """
    metrics = metrics or Registry()
    answered = [] if settings.serves_models_only else domains  # a model server answers for the machines in front of it
    server = build_model_server(settings)
    recorder = build_recorder(settings, metrics)
    telemetry = build_telemetry(settings, metrics)
    manager = build_manager(settings, domains, metrics, server, answered, recorder, telemetry)
    keys, key_watcher = build_keys(settings, metrics)
    limits = build_limits(settings, metrics)
    public_models = build_public_models(settings, manager.names)
    pool_size = settings.model_server_calls if server else settings.thread_pool_size
    thread_pool = BoundedThreadPool(pool_size, settings.thread_pool_queue, computes=server is None)
    memory_budget = MemoryBudget(settings.memory_budget, metrics)
    traffic = Traffic()
    # in front of a model server, the other machines choose the version of each call
    watcher = None if settings.serves_models_only else RolloutWatcher(traffic, manager, thread_pool)
    reloader = ModelReloader(manager, ChangeMetrics(metrics), watcher)
    event_loop = EventLoopHeartbeat(metrics)
    answering = [domain(manager) for domain in answered]
    feedback, of_labels = _feedback(settings, answering, thread_pool, memory_budget, metrics)
    background: list[Component | None] = [
        *telemetry.components,
        event_loop,
        thread_pool,
        limits.rates,
        server,
        recorder,
        *of_labels,
        reloader,
        key_watcher,
    ]
    lifecycle = Lifecycle(lambda: manager.ready, [component for component in background if component is not None])
    data_plane = DataPlane(manager, thread_pool, Audit(settings.audit_path))
    log = RequestLog(level=settings.log_level, later=at_turns_end)
    access = Access(Guard(keys, limits), public_models)
    backend = Backend(manager, answering, data_plane, thread_pool, memory_budget, traffic)
    remote = server.names if server else ()
    options = _rest_options(settings, remote, telemetry, feedback, names_requests=recorder is not None)
    rest = RestApplication(backend, access, log, lifecycle, options)
    return Program(
        manager,
        lifecycle,
        rest,
        metrics_app(metrics, telemetry.exemplars),
        metrics,
        access.guard,
        public_models,
        data_plane,
        thread_pool,
        memory_budget,
        log,
        event_loop,
        traffic,
        telemetry.watch,
    )


def _rest_options(
    settings: Settings,
    remote_models: Collection[str],
    telemetry: Telemetry,
    feedback: "FeedbackHandler | None",
    *,
    names_requests: bool,
) -> RestOptions:
    """Translate the settings of the REST API."""
    return RestOptions(
        security_contact=settings.security_contact,
        docs_enabled=settings.docs_enabled and not settings.serves_models_only,
        page_folder=_page_folder(settings),
        health_only=settings.serves_models_only,
        body_limits={"one": settings.body_limit, "many": settings.batch_body_limit, "file": settings.file_body_limit},
        remote_models=remote_models,
        root_path=settings.root_path,
        cors_origins=settings.cors_origins,
        names_requests=names_requests,
        feedback=feedback,
        watch=telemetry.watch,
        exemplars=telemetry.exemplars,
    )


def _feedback(
    settings: Settings,
    domains: Sequence[DomainApi],
    thread_pool: BoundedThreadPool,
    memory_budget: MemoryBudget,
    metrics: Registry,
) -> "tuple[FeedbackHandler | None, list[Component]]":
    """Build what takes labels, if the settings say so; see `app.composition.feedback.build_feedback`."""
    if not settings.feedback_enabled or settings.serves_models_only:
        return None, []
    from app.composition.feedback import build_feedback

    return build_feedback(settings, domains, thread_pool, memory_budget, metrics)


def _page_folder(settings: Settings) -> Path | None:
    """Return the folder of the brewer's page; None if it is off, or missing as in the cloud function."""
    if not settings.page_enabled or settings.serves_models_only:
        return None
    folder = Path(__file__).parents[1] / "page"
    return folder if (folder / "index.html").is_file() else None
