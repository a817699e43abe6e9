"""The composition root: builds the program's parts from its settings; the only module that names implementations."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.access.attempts import FailedAttempts
from app.access.keys import KeyRing, default_principal
from app.access.rates import FAILURES, RateLimiter, parse_rate
from app.access.watch import KeyWatch
from app.bundle.store import highest, read_bundle
from app.domains.beer.face import BeerFace
from app.errors import SettingsError
from app.inference.onnx import OnnxPredictor
from app.inference.quarantine import read_quarantined
from app.inference.service import InferenceService
from app.rest.admission import Admission
from app.rest.application import RestDoor, metrics_app
from app.rest.asgi import App
from app.rest.gate import Limits
from app.settings import Settings
from app.telemetry.logs import RequestLog, at_turns_end
from app.telemetry.metrics import Registry


@dataclass(frozen=True)
class Program:
    """The program's parts."""

    service: InferenceService
    rest: RestDoor
    metrics: App
    """ASGI application that answers GET /metrics without a key, for a port of its own."""
    metrics_folder: Path | None
    """Folder in which several workers put what is counted, so that each can tell the sum."""


def build(settings: Settings, metrics_folder: Path | None = None) -> Program:
    """Build the program; no model is loaded yet.

    Args:
        settings: What is set.
        metrics_folder: Where several workers put what is counted; None makes one where there are several.

    Returns:
        The parts.

    Raises:
        SettingsError: The file of keys is missing or broken, or the rate is none.
    """
    if metrics_folder is None and settings.workers > 1:
        metrics_folder = Path(tempfile.mkdtemp(prefix="beer-model-"))
    metrics = Registry(metrics_folder)
    service = InferenceService(BeerFace.models, metrics)
    keys, watch = _keys(settings, metrics)
    rest = RestDoor(
        service,
        faces=[BeerFace(service)],
        keys=keys,
        log=RequestLog(level=settings.log_level, later=at_turns_end),
        docs_enabled=settings.docs_enabled,
        admission=Admission(settings.max_in_work, settings.max_waiting),
        body_limits={"one": settings.body_limit, "many": settings.batch_body_limit},
        limits=_limits(settings, metrics),
        begin=watch.follow if watch else None,
    )
    return Program(service, rest, metrics_app(metrics), metrics_folder)


def _keys(settings: Settings, metrics: Registry) -> tuple[KeyRing, KeyWatch | None]:
    try:
        rate = parse_rate(settings.rate_limit) if settings.rate_limit else None
    except ValueError as error:
        raise SettingsError(f"RATE_LIMIT: {error}") from None
    own = default_principal(settings.api_key.get_secret_value(), rate) if settings.api_key else {}
    ring = KeyRing(own)
    if settings.api_keys_file is None:
        return ring, None
    watch = KeyWatch(settings.api_keys_file, ring, own, rate, metrics)
    watch.load()
    return ring, watch


def _limits(settings: Settings, metrics: Registry) -> Limits:
    failures = metrics.place(FAILURES)

    def failed() -> None:
        metrics.values[failures] += 1.0

    rates = RateLimiter(settings.rate_limit_storage.get_secret_value(), settings.rate_limit_failure, failed)
    return Limits(rates, FailedAttempts(settings.auth_failures_per_minute), settings.trusted_proxies)


def try_models(program: Program, settings: Settings) -> None:
    """Try the bundles that a new worker would load, in child processes.

    Args:
        program: From `build`.
        settings: Say where the bundles are.

    Raises:
        BundleError: One is altered, broken or dangerous.
    """
    for name in program.service.names:
        read_quarantined(highest(settings.model_path, name))


def load_models(program: Program, settings: Settings) -> None:
    """Verify and load the highest version of every model that is served.

    Args:
        program: From `build`.
        settings: Say where the bundles are.

    Raises:
        BundleError: One is missing or altered; no other version is taken in its place.
    """
    for name in program.service.names:
        program.service.serve(OnnxPredictor(read_bundle(highest(settings.model_path, name))))
