"""The model server: its models, and checks of their readiness in the background."""

import logging
import threading
from weakref import WeakSet

import grpc

from app.bundle.store import Bundle
from app.errors import BundleError, ModelNotReady
from app.remote.connection import Connection
from app.remote.predictor import RemotePredictor
from app.rpc._pb.open_inference_pb2 import RepositoryIndexRequest, RepositoryIndexResponse

INTERVAL = 0.25
"""Seconds between checks."""

_log = logging.getLogger(__name__)


class ModelServer:
    """A server of the Open Inference Protocol, such as this program, Triton or MLServer."""

    def __init__(self, connection: Connection) -> None:
        """Connect to a server, and list its models.

        Args:
            connection: Connection to the server.

        Raises:
            BundleError: If the server does not list its models.
        """
        self._connection = connection
        self._opened: WeakSet[RemotePredictor] = WeakSet()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            self.names = frozenset(self._index(wait_for_ready=True))
            """Names of the server's models."""
        except grpc.RpcError as error:
            raise BundleError(f"model server {connection.target}: {error.code().name}") from None
        except ValueError as error:
            raise BundleError(f"model server {connection.target}: {error}") from None

    def open(self, bundle: Bundle) -> RemotePredictor:
        """Create the predictor of a bundle whose model the server has.

        Args:
            bundle: The bundle.

        Raises:
            BundleError: If the server runs another model.
            ModelNotReady: If the server is unavailable, or does not have the version yet.
        """
        manifest = bundle.manifest
        try:
            versions = self._index().get(manifest.name, set())
        except (grpc.RpcError, ValueError):
            raise ModelNotReady from None
        if manifest.version not in versions and versions != {""}:
            _log.error("%s: the model server has no version %s", manifest.name, manifest.version)
            raise ModelNotReady
        version = manifest.version if manifest.version in versions else ""
        try:
            predictor = RemotePredictor(manifest, self._connection, version)
        except BundleError as error:
            raise BundleError(f"{bundle.folder}: {error}") from None
        with self._lock:
            self._opened.add(predictor)
        return predictor

    def start(self) -> None:
        """Check the models periodically in a background thread until `stop` is called; a second call has no effect."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="model server", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the checks, and close the connection."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            with self._lock:
                opened = list(self._opened)
            for predictor in opened:
                predictor.check()
            del opened  # do not keep a predictor alive until the next check

    def _index(self, wait_for_ready: bool = False) -> dict[str, set[str]]:
        index = self._connection.call(
            "RepositoryIndex", RepositoryIndexRequest(), RepositoryIndexResponse, wait_for_ready=wait_for_ready
        )
        versions: dict[str, set[str]] = {}
        for model in index.models:
            versions.setdefault(model.name, set()).add(model.version)
        return versions
