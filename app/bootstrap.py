"""The composition root: builds the program's parts from its settings; the only module that names implementations."""

from dataclasses import dataclass

from app.access.keys import KeyRing
from app.bundle.store import highest, read_bundle
from app.domains.beer.face import BeerFace
from app.inference.onnx import OnnxPredictor
from app.inference.service import InferenceService
from app.rest.admission import Admission
from app.rest.asgi import App
from app.rest.application import RestDoor
from app.settings import Settings
from app.telemetry.logs import RequestLog


@dataclass(frozen=True)
class Program:
    """The program's parts."""

    service: InferenceService
    rest: RestDoor
    metrics: App | None = None
    """ASGI application that answers GET /metrics without a key, for a port of its own."""


def build(settings: Settings) -> Program:
    """Build the program; no model is loaded yet.

    Args:
        settings: What is set.

    Returns:
        The parts.
    """
    service = InferenceService(BeerFace.models)
    rest = RestDoor(
        service,
        faces=[BeerFace(service)],
        keys=KeyRing.single(settings.api_key.get_secret_value()),
        log=RequestLog(level=settings.log_level),
        docs_enabled=settings.docs_enabled,
        admission=Admission(settings.max_in_work, settings.max_waiting),
        body_limits={"one": settings.body_limit, "many": settings.batch_body_limit},
    )
    return Program(service, rest)


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
