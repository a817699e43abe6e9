"""The composition root: builds the program's parts from its settings; the only module that names implementations."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

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
    metrics_folder: Path | None = None
    """Folder in which several workers put what is counted, so that each can tell the sum."""


def build(settings: Settings, metrics_folder: Path | None = None) -> Program:
    """Build the program; no model is loaded yet.

    Args:
        settings: What is set.
        metrics_folder: Where several workers put what is counted; None makes one where there are several.

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
    if metrics_folder is None and settings.workers > 1:
        metrics_folder = Path(tempfile.mkdtemp(prefix="beer-model-"))
    return Program(service, rest, metrics_folder=metrics_folder)


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
