"""The remote predictor: a bundle's model that another machine runs."""

import logging
from time import monotonic

import grpc

from app.bundle.manifest import Manifest
from app.errors import BundleError, CallError, ModelNotReady, Overloaded, TooLate
from app.oip.metadata import PACKED
from app.remote.connection import Connection
from app.remote.messages import answer, joined, parts, request, rows_of, takes_packed
from app.rpc._pb.open_inference_pb2 import (
    ModelConfigRequest,
    ModelConfigResponse,
    ModelInferResponse,
    ModelMetadataRequest,
    ModelMetadataResponse,
    ModelReadyRequest,
    ModelReadyResponse,
)
from app.runtime.golden import check_golden
from app.runtime.predictor import Array, Arrays, Predictor

MOST_BYTES = 2 << 20
"""Of one call's tensors; more rows are sent in several calls."""

_AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND)
_ERRORS: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: TooLate,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
}
_log = logging.getLogger(__name__)


class _Wire(Predictor):
    """The calls themselves, whatever the server is known to be."""

    def __init__(self, manifest: Manifest, connection: Connection, version: str) -> None:
        super().__init__(manifest)
        self.connection = connection
        self.version = version
        self.packed = False

    def compare(self) -> None:
        """Hold the server's metadata against the manifest, and run the golden rows there."""
        asked = ModelMetadataRequest(name=self.manifest.name, version=self.version)
        told = self.connection.call("ModelMetadata", asked, ModelMetadataResponse)
        self.packed = takes_packed(self.manifest, told) or self._also_packed()
        check_golden(self)

    def _also_packed(self) -> bool:
        """Whether the server takes the packed tensor beside the inputs that its metadata have, as this program does."""
        asked = ModelConfigRequest(name=self.manifest.name, version=self.version)
        try:
            told = self.connection.call("ModelConfig", asked, ModelConfigResponse)
        except grpc.RpcError as error:
            if error.code() in _AWAY:
                raise
            return False  # not every server has configurations
        return bool(self.manifest.packed) and told.config.parameters[PACKED].string_value == self.manifest.packed

    def answers(self) -> bool:
        """Whether the server says that it can answer."""
        asked = ModelReadyRequest(name=self.manifest.name, version=self.version)
        return self.connection.call("ModelReady", asked, ModelReadyResponse).ready

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        most = self.connection.timeout if timeout is None else min(timeout, self.connection.timeout)
        end = monotonic() + most
        answers = []
        for part in parts(inputs, MOST_BYTES):
            asked = request(self.manifest, self.version, self.packed, part)
            told = self.connection.call("ModelInfer", asked, ModelInferResponse, max(0.0, end - monotonic()))
            answers.append(answer(self.manifest, self.version, rows_of(part), told))
        return joined(answers)


class RemotePredictor(Predictor):
    """A bundle's model at a model server.

    It answers only while the server is known to give what the bundle says: at first, and whenever the server was away,
    its metadata are compared with the manifest and the golden rows are run there.
    """

    remote = True

    def __init__(self, manifest: Manifest, connection: Connection, version: str) -> None:
        """Initialize the remote predictor.

        Args:
            manifest: Of the bundle, which stays here.
            connection: To the server.
            version: The version, as the server names it; empty: its only one.

        Raises:
            BundleError: The server's model is another one.
            ModelNotReady: The server cannot answer now.
        """
        super().__init__(manifest)
        self._wire = _Wire(manifest, connection, version)
        self.ready = False
        self._reason = ""
        try:
            self._wire.compare()
        except grpc.RpcError as error:
            self._log(error)
            raise ModelNotReady from None
        self.ready = True

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the model there; see `Predictor.predict`.

        Raises:
            ModelNotReady: The server is away, or answered what it should not.
            Overloaded: The server has too much to do.
            TooLate: The server took longer than the caller has time, or than the settings give it.
        """
        if not self.ready:
            raise ModelNotReady
        try:
            return self._wire.predict(inputs, timeout)
        except grpc.RpcError as error:
            code = error.code()
            if code in _AWAY:
                self._become(False, code.name)
            elif code not in _ERRORS:
                self._log(error)
            raise _ERRORS.get(code, ModelNotReady) from None
        except ValueError as error:
            self._become(False, str(error))
            raise ModelNotReady from None

    def look(self) -> None:
        """Look whether the server can answer, and compare anew what was away."""
        try:
            there = self._wire.answers()
            if there and not self.ready:
                self._wire.compare()
            self._become(there, "it says that it is not ready")
        except grpc.RpcError as error:
            self._become(False, error.code().name)
        except (BundleError, ValueError) as error:
            self._become(False, str(error))

    def _become(self, ready: bool, reason: str) -> None:
        before, self.ready = self.ready, ready
        if ready:
            reason = ""
            if not before:
                _log.info("%s: the model server answers again", self.manifest.name)
        elif reason != self._reason:
            _log.warning("%s: the model server does not answer: %s", self.manifest.name, reason)
        self._reason = reason

    def _log(self, error: grpc.RpcError) -> None:
        _log.error("%s: the model server refused a call: %s", self.manifest.name, error.code().name)
