"""The composition root: builds the program's parts from its settings; the only module that names implementations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.access.attempts import FailedAttempts
from app.access.guard import Guard, Limits
from app.access.keys import KeyRing, default_principal
from app.access.public import PublicModels
from app.access.rates import FAILURES, RateLimiter, parse_rate
from app.bundle.fetch import Fetch, is_remote, models_root
from app.bundle.store import Bundle, read_bundle
from app.domains.discovery import FaceKind, discover
from app.domains.face import checks_of
from app.errors import BundleError, CallError, ObjectsError, SettingsError
from app.inference.admission import Admission
from app.inference.batcher import Batcher
from app.inference.candidates import Candidates
from app.inference.changes import ChangeFigures
from app.inference.dataplane import DataPlane
from app.inference.follower import Follower
from app.inference.onnx import OnnxPredictor
from app.inference.predictor import Predictor
from app.inference.quarantine import read_quarantined
from app.inference.service import InferenceService
from app.objects import ObjectStore
from app.rest.application import RestDoor
from app.rest.asgi import App
from app.rest.routes import metrics_app
from app.settings import ModelSettings, Settings
from app.telemetry.logs import RequestLog, at_turns_end
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.access.watch import KeyWatch
    from app.remote.server import ModelServer


@dataclass(frozen=True)
class Program:
    """The program's parts."""

    service: InferenceService
    candidates: Candidates
    """The versions on disk; the REST door starts what follows them."""
    rest: RestDoor
    metrics: App
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
    service, candidates = build_service(settings, kinds, metrics, server)
    follower = Follower(service.registry, candidates, ChangeFigures(metrics))
    keys, watch = _keys(settings, metrics)
    faces = [] if settings.serves_models_only else [kind(service) for kind in kinds]  # their checks are in front, too
    in_work = settings.model_server_calls if server else settings.max_in_work
    admission = Admission(in_work, settings.max_waiting, computes=server is None)
    checks = {name: check for face in faces for name, check in checks_of(face).items()}
    batcher = Batcher(admission, metrics, settings.max_batch_size, settings.max_batch_time)
    plane = DataPlane(service, admission, checks, batcher if settings.max_batch_size > 1 else None)
    limits, public = _limits(settings, metrics), _public(settings, service.names)
    log = RequestLog(level=settings.log_level, later=at_turns_end)
    rest = RestDoor(
        service,
        faces=faces,
        keys=keys,
        log=log,
        docs_enabled=settings.docs_enabled and not settings.serves_models_only,
        health_only=settings.serves_models_only,
        admission=admission,
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
    return Program(service, candidates, rest, metrics_app(metrics), Guard(keys, limits), public, plane, log)


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
    settings: ModelSettings, kinds: Sequence[FaceKind], metrics: Registry, server: "ModelServer | None" = None
) -> tuple[InferenceService, Candidates]:
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

    candidates = Candidates(
        models_root(settings),
        open,
        partial(read_quarantined, approved=settings.model_sha256),
        partial(read_bundle, approved=settings.model_sha256),
    )
    return InferenceService([name for kind in kinds for name in kind.models], metrics, candidates), candidates


def fetch_models(settings: ModelSettings, kinds: Sequence[FaceKind]) -> None:
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


def _begin(follower: Follower, watch: "KeyWatch | None", server: "ModelServer | None") -> None:
    follower.start()
    if server is not None:
        server.follow()
    if watch is not None:
        watch.follow()


def _keys(settings: Settings, metrics: Registry) -> tuple[KeyRing, "KeyWatch | None"]:
    try:
        rate = parse_rate(settings.rate_limit) if settings.rate_limit else None
    except ValueError as error:
        raise SettingsError(f"RATE_LIMIT: {error}") from None
    own = default_principal(settings.api_key.get_secret_value(), rate) if settings.api_key else {}
    ring = KeyRing(own)
    if settings.api_keys_file is None:
        return ring, None
    from app.access.watch import KeyWatch  # only who has a file of keys pays for reading one

    watch = KeyWatch(settings.api_keys_file, ring, own, rate, metrics)
    watch.load()
    return ring, watch


def _public(settings: Settings, served: Sequence[str]) -> PublicModels:
    if not set(settings.public_models) <= set(served):
        raise SettingsError(f"PUBLIC_MODELS: names a model that is not served; there are {', '.join(served)}")
    return PublicModels(settings.public_models)


def _limits(settings: Settings, metrics: Registry) -> Limits:
    failures = metrics.place(FAILURES)

    def failed() -> None:
        metrics.values[failures] += 1.0

    rates = RateLimiter(settings.rate_limit_storage.get_secret_value(), settings.rate_limit_failure, failed)
    return Limits(rates, FailedAttempts(settings.auth_failures_per_minute), settings.trusted_proxies)


def try_models(program: Program) -> None:
    """Try the bundles that a new worker would load, in child processes.

    Args:
        program: From `build`.

    Raises:
        BundleError: One is altered, broken or dangerous.
    """
    for name in program.service.names:
        version = program.candidates.active(name)
        if version is not None:
            program.candidates.attempt(name, version)


def load_models(service: InferenceService, candidates: Candidates, is_worker: bool = False) -> None:
    """Verify and load the active version of every model that is served.

    Args:
        service: Gets them.
        candidates: The versions on disk.
        is_worker: Whether it takes a place beside others, who serve on as they did when a bad version comes. Then so
            must it: it tries what it does not trust where a crash does no harm, and takes the next lower version that
            is good; the follower tells why.

    Raises:
        BundleError: One is missing or altered. At a first start no other version is taken in its place.
    """
    for name in service.names:
        version = candidates.active(name)
        if version is None:
            service.registry.retire(name)
        else:
            _load(service, candidates, name, version, is_worker)


def _load(service: InferenceService, candidates: Candidates, name: str, version: str, is_worker: bool) -> None:
    try:
        served = service.registry.load(name, version, checked=is_worker)
    except BundleError:
        lower = [v for v in candidates.versions(name) if int(v) < int(version)] if is_worker else []
        if not lower:
            raise
        _load(service, candidates, name, lower[-1], is_worker)
    except CallError as error:
        raise BundleError(f"{name}: the model server cannot answer for version {version}") from error
    else:
        service.registry.serve(served)
