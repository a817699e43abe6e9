"""The model server: which models it has, and a watch on whether it can answer."""

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
"""Seconds between two looks."""

_log = logging.getLogger(__name__)


class ModelServer:
    """A server that speaks the Open Inference Protocol: this program, Triton or MLServer."""

    def __init__(self, connection: Connection) -> None:
        """Initialize the model server.

        Args:
            connection: To the server, which must be there.

        Raises:
            BundleError: It does not tell its models.
        """
        self._connection = connection
        self._opened: WeakSet[RemotePredictor] = WeakSet()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            self.names = frozenset(self._index(patient=True))
            """The models that it has."""
        except grpc.RpcError as error:
            raise BundleError(f"model server {connection.target}: {error.code().name}") from None

    def open(self, bundle: Bundle) -> RemotePredictor:
        """The predictor of a bundle whose model the server has.

        Args:
            bundle: Stays here: schema, ranges and background come from it.

        Raises:
            BundleError: The server's model is another one.
            ModelNotReady: The server is away, or has no such version yet.
        """
        manifest = bundle.manifest
        try:
            versions = self._index().get(manifest.name, set())
        except grpc.RpcError:
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
        """Look again and again until `stop` is called; a second call has no effect."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="model server", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more, and let go of the server."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._connection.close()

    def _follow(self) -> None:
        while not self._stop.wait(INTERVAL):
            with self._lock:
                opened = list(self._opened)
            for predictor in opened:
                predictor.look()
            del opened  # nothing but what serves keeps a version

    def _index(self, patient: bool = False) -> dict[str, set[str]]:
        told = self._connection.call(
            "RepositoryIndex", RepositoryIndexRequest(), RepositoryIndexResponse, patient=patient
        )
        versions: dict[str, set[str]] = {}
        for model in told.models:
            versions.setdefault(model.name, set()).add(model.version)
        return versions
