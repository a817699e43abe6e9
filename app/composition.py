"""The composition root: builds the program's parts from its settings; the only module that names implementations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from app.access.failed_keys import FailedKeyLimiter
from app.access.guard import Guard, Limits
from app.access.keys import KeyRing, default_principal
from app.access.public import PublicModels
from app.access.rates import FAILURES, RateLimiter, parse_rate
from app.bundle.fetch import Fetch, is_remote, models_root
from app.bundle.store import Bundle, read_bundle
from app.domains.api import validators_of
from app.domains.discovery import DomainFactory, discover
from app.errors import BundleError, CallError, ObjectsError, SettingsError
from app.models.changes import ChangeMetrics
from app.models.manager import ModelManager
from app.models.quarantine import read_quarantined
from app.models.reloader import ModelReloader
from app.models.store import ModelStore
from app.object_store import ObjectStore
from app.oip.data_plane import DataPlane
from app.rest.application import RestApplication
from app.rest.routes import metrics_app
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Predictor
from app.runtime.thread_pool import BoundedThreadPool
from app.settings import ModelSettings, Settings
from app.telemetry.logs import RequestLog, at_turns_end
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.access.key_file_watcher import KeyFileWatcher
    from app.remote.server import ModelServer


@dataclass(frozen=True)
class Program:
    """The program's parts."""

    manager: ModelManager
    candidates: ModelStore
    """The versions on disk; the REST door starts what follows them."""
    rest: RestApplication
    metrics: ASGIApp
    """ASGI application that answers GET /metrics without a key, for a port of its own."""
    guard: Guard
    """Whom a door lets through that is opened beside REST's, ..."""
    public: PublicModels
    """... the models that need no key there, ..."""
    plane: DataPlane
    """... what answers the Open Inference Protocol, ..."""
    log: RequestLog
    """... and where its lines go."""


def build(settings: Settings, metrics: Registry | None = None) -> Program:
    """Build the program; no model is loaded yet.

    Args:
        settings: What is set.
        metrics: Hold what is counted; by default in this process alone.

    Returns:
        The parts.

    Raises:
        SettingsError: The file of keys is missing or broken, the rate is none, or a public model is not served.
    """
    metrics = metrics or Registry()
    kinds = discover()
    server = _model_server(settings)
    manager, candidates = build_service(settings, kinds, metrics, server)
    follower = ModelReloader(manager.registry, candidates, ChangeMetrics(metrics))
    keys, watch = _keys(settings, metrics)
    domains = [] if settings.serves_models_only else [kind(manager) for kind in kinds]  # their checks are in front, too
    in_work = settings.model_server_calls if server else settings.max_in_work
    thread_pool = BoundedThreadPool(in_work, settings.max_waiting, computes=server is None)
    checks = {name: check for domain in domains for name, check in validators_of(domain).items()}
    plane = DataPlane(manager, thread_pool, checks)
    limits, public = _limits(settings, metrics), _public(settings, manager.names)
    log = RequestLog(level=settings.log_level, later=at_turns_end)
    rest = RestApplication(
        manager,
        domains=domains,
        keys=keys,
        log=log,
        docs_enabled=settings.docs_enabled and not settings.serves_models_only,
        health_only=settings.serves_models_only,
        thread_pool=thread_pool,
        body_limits={
            "one": settings.body_limit,
            "many": settings.batch_body_limit,
            "file": settings.file_body_limit,
        },
        limits=limits,
        begin=lambda: _begin(follower, watch, server),
        public=public,
        plane=plane,
        remote=server.names if server else (),
    )
    return Program(manager, candidates, rest, metrics_app(metrics), Guard(keys, limits), public, plane, log)


def _model_server(settings: Settings) -> "ModelServer | None":
    if not settings.model_server:
        return None
    try:
        from app.remote.connection import Connection  # needs grpcio, which the cloud function does without
        from app.remote.server import ModelServer
    except ModuleNotFoundError:
        raise SettingsError("MODEL_SERVER: needs the package grpcio, which is not installed here") from None
    scheme, _, target = settings.model_server.partition("://")
    key = settings.model_server_api_key.get_secret_value() if settings.model_server_api_key else ""
    return ModelServer(Connection(target, scheme == "grpcs", key, settings.model_server_timeout))


def build_service(
    settings: ModelSettings, kinds: Sequence[DomainFactory], metrics: Registry, server: "ModelServer | None" = None
) -> tuple[ModelManager, ModelStore]:
    """Build what is behind every door; no model is loaded yet.

    Args:
        settings: What is set of models.
        kinds: The domains that are served.
        metrics: Hold what is counted.
        server: Runs the models that it has.
    """

    def open(bundle: Bundle) -> Predictor:
        remote = server is not None and bundle.manifest.name in server.names
        return server.open(bundle) if server and remote else OnnxPredictor(bundle)

    candidates = ModelStore(
        models_root(settings),
        open,
        partial(read_quarantined, approved=settings.model_sha256),
        partial(read_bundle, approved=settings.model_sha256),
    )
    return ModelManager([name for kind in kinds for name in kind.models], metrics, candidates), candidates


def fetch_models(settings: ModelSettings, kinds: Sequence[DomainFactory]) -> None:
    """Take the bundles that are to answer from where MODEL_URI says, where that is an object store.

    Args:
        settings: What is set of models.
        kinds: The domains that are served.

    Raises:
        BundleError: One is missing, altered, cut off or not approved, or the store does not answer.
    """
    if not is_remote(settings):
        return
    bucket, _, prefix = settings.model_uri.removeprefix("s3://").partition("/")
    try:
        store = ObjectStore(bucket, settings.s3_endpoint)
    except ObjectsError as error:
        raise BundleError(str(error)) from None
    fetch = Fetch(store, prefix, settings.model_uri, settings.model_cache, settings.model_sha256)
    fetch.run([name for kind in kinds for name in kind.models], models_root(settings))


def _begin(follower: ModelReloader, watch: "KeyFileWatcher | None", server: "ModelServer | None") -> None:
    follower.start()
    if server is not None:
        server.follow()
    if watch is not None:
        watch.start()


def _keys(settings: Settings, metrics: Registry) -> tuple[KeyRing, "KeyFileWatcher | None"]:
    try:
        rate = parse_rate(settings.rate_limit) if settings.rate_limit else None
    except ValueError as error:
        raise SettingsError(f"RATE_LIMIT: {error}") from None
    own = default_principal(settings.api_key.get_secret_value(), rate) if settings.api_key else {}
    ring = KeyRing(own)
    if settings.api_keys_file is None:
        return ring, None
    from app.access.key_file_watcher import KeyFileWatcher  # only who has a file of keys pays for reading one

    watch = KeyFileWatcher(settings.api_keys_file, ring, own, rate, metrics)
    watch.load()
    return ring, watch


def _public(settings: Settings, served: Sequence[str]) -> PublicModels:
    if not set(settings.public_models) <= set(served):
        raise SettingsError(f"PUBLIC_MODELS: names a model that is not served; there are {', '.join(served)}")
    return PublicModels(settings.public_models)


def _limits(settings: Settings, metrics: Registry) -> Limits:
    failures = metrics.counter(FAILURES)
    rates = RateLimiter(settings.rate_limit_storage.get_secret_value(), settings.rate_limit_failure, failures.inc)
    return Limits(rates, FailedKeyLimiter(settings.auth_failures_per_minute), settings.trusted_proxies)


def try_models(program: Program) -> None:
    """Try the bundles that a new worker would load, in child processes.

    Args:
        program: From `build`.

    Raises:
        BundleError: One is altered, broken or dangerous.
    """
    for name in program.manager.names:
        version = program.candidates.active(name)
        if version is not None:
            program.candidates.attempt(name, version)


def load_models(manager: ModelManager, candidates: ModelStore, is_worker: bool = False) -> None:
    """Verify and load the active version of every model that is served.

    Args:
        manager: Gets them.
        candidates: The versions on disk.
        is_worker: Whether it takes a place beside others, who serve on as they did when a bad version comes. Then so
            must it: it tries what it does not trust where a crash does no harm, and takes the next lower version that
            is good; the follower tells why.

    Raises:
        BundleError: One is missing or altered. At a first start no other version is taken in its place.
    """
    for name in manager.names:
        version = candidates.active(name)
        if version is None:
            manager.registry.retire(name)
        else:
            _load(manager, candidates, name, version, is_worker)


def _load(manager: ModelManager, candidates: ModelStore, name: str, version: str, is_worker: bool) -> None:
    try:
        served = manager.registry.load(name, version, checked=is_worker)
    except BundleError:
        lower = [v for v in candidates.versions(name) if int(v) < int(version)] if is_worker else []
        if not lower:
            raise
        _load(manager, candidates, name, lower[-1], is_worker)
    except CallError as error:
        raise BundleError(f"{name}: the model server cannot answer for version {version}") from error
    else:
        manager.registry.serve(served)
