"""Builds what owns the models: the store, the manager, and the connection to a model server."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from app.bundle.fetch import Fetch, is_remote, models_root
from app.bundle.store import Bundle, read_bundle
from app.composition.telemetry import Telemetry
from app.domains.api import DomainApi, preparation
from app.domains.discovery import serving
from app.errors import BundleError, ObjectsError, SettingsError
from app.models.loaded import Recorder
from app.models.manager import ModelManager
from app.models.quarantine import read_quarantined
from app.models.store import ModelStore
from app.models.worker_notes import WorkerNotes
from app.object_store import ObjectStore
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Predictor
from app.settings import ModelSettings, Settings
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.remote.server import ModelServer


def build_manager(
    settings: ModelSettings,
    domains: Sequence[type[DomainApi]],
    metrics: Registry,
    server: "ModelServer | None" = None,
    prepared_domains: Sequence[type[DomainApi]] | None = None,
    recorder: Recorder | None = None,
    telemetry: Telemetry | None = None,
) -> ModelManager:
    """Build the model manager; no model is loaded yet.

    Args:
        settings: The settings about models.
        domains: The domains whose models are served.
        metrics: Registry of the process's metrics.
        server: Runs the models that it has; every other model runs in this process.
        prepared_domains: The domains whose requests this process answers; by default all of them.
        recorder: Keeps the rows that are answered; by default none are kept.
        telemetry: What watches the calls; by default nothing.
    """
    telemetry = telemetry or Telemetry()

    def load(bundle: Bundle) -> Predictor:
        is_remote = server is not None and bundle.manifest.name in server.names
        predictor: Predictor = server.open(bundle) if server is not None and is_remote else OnnxPredictor(bundle)
        return telemetry.traced(predictor)

    approved = settings.model_sha256
    store = ModelStore(
        models_root(settings),
        load,
        check=partial(read_quarantined, approved=approved),
        read=partial(read_bundle, approved=approved),
        notes=WorkerNotes(metrics.folder),
    )
    prepare = preparation(domains if prepared_domains is None else prepared_domains, metrics)
    return ModelManager(_model_names(domains), metrics, store, prepare, recorder, telemetry.observers)


def build_model_server(settings: Settings) -> "ModelServer | None":
    """Build the client of the model server; None if no model server is set.

    Raises:
        SettingsError: If grpcio is not installed.
        BundleError: If the server does not list its models.
    """
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


def fetch_models(settings: ModelSettings, domains: Sequence[type[DomainApi]]) -> list[type[DomainApi]]:
    """Download the active bundles, if the settings name an object store.

    Args:
        settings: The settings about models.
        domains: The domains whose models are served.

    Returns:
        The domains, without optional models that the store does not have.

    Raises:
        BundleError: If a bundle is missing, altered, incomplete or not approved, or the store does not answer.
    """
    if not is_remote(settings):
        return list(domains)
    bucket, _, prefix = settings.model_uri.removeprefix("s3://").partition("/")
    try:
        store = ObjectStore(bucket, settings.s3_endpoint)
    except ObjectsError as error:
        raise BundleError(str(error)) from None
    fetch = Fetch(store, prefix, settings.model_uri, settings.model_cache, settings.model_sha256)
    optional = {name for domain in domains for name in domain.optional}
    fetched = fetch.run(_model_names(domains), models_root(settings), optional)
    return [serving(domain, fetched) for domain in domains]


def _model_names(domains: Sequence[type[DomainApi]]) -> list[str]:
    return [name for domain in domains for name in domain.models]
