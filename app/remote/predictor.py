"""The remote predictor: runs the model of a bundle on a model server."""

import logging
from time import monotonic

import grpc

from app.bundle.manifest import Manifest
from app.errors import BundleError, CallError, InvalidOutput, ModelNotReady, Overloaded, TooLate
from app.oip.metadata import PACKED
from app.remote.connection import Connection
from app.remote.messages import accepts_packed, infer_request, joined, max_response_bytes, read_outputs, rows_of, split
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

_UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.NOT_FOUND)
_ERRORS: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.DEADLINE_EXCEEDED: TooLate,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
}
_log = logging.getLogger(__name__)


class _Client(Predictor):
    """Makes the calls, without tracking whether the server is available."""

    def __init__(self, manifest: Manifest, connection: Connection, version: str) -> None:
        super().__init__(manifest)
        self.connection = connection
        self.version = version
        self.packed = False

    def verify(self) -> None:
        """Compare the server's metadata with the manifest, and run the golden rows on the server."""
        request = ModelMetadataRequest(name=self.manifest.name, version=self.version)
        metadata = self.connection.call("ModelMetadata", request, ModelMetadataResponse)
        self.packed = accepts_packed(self.manifest, metadata) or self._config_has_packed()
        try:
            check_golden(self)
        except InvalidOutput as error:
            raise BundleError(f"golden rows: output {error} is not a valid answer") from None

    def _config_has_packed(self) -> bool:
        """Whether the server also accepts the packed tensor, which this program declares only in its configuration."""
        request = ModelConfigRequest(name=self.manifest.name, version=self.version)
        try:
            response = self.connection.call("ModelConfig", request, ModelConfigResponse)
        except grpc.RpcError as error:
            if error.code() in _UNAVAILABLE:
                raise
            return False  # not every server supports ModelConfig
        return bool(self.manifest.packed) and response.config.parameters[PACKED].string_value == self.manifest.packed

    def is_ready(self) -> bool:
        """Whether the server reports the model as ready."""
        request = ModelReadyRequest(name=self.manifest.name, version=self.version)
        return self.connection.call("ModelReady", request, ModelReadyResponse).ready

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        seconds = self.connection.timeout if timeout is None else min(timeout, self.connection.timeout)
        deadline = monotonic() + seconds
        outputs = []
        for part in split(self.manifest, inputs):
            request, rows = infer_request(self.manifest, self.version, self.packed, part), rows_of(part)
            remaining = max(0.0, deadline - monotonic())
            response = self.connection.call(
                "ModelInfer", request, ModelInferResponse, remaining, max_bytes=max_response_bytes(self.manifest, rows)
            )
            outputs.append(read_outputs(self.manifest, self.version, rows, response))
        return joined(outputs)


class RemotePredictor(Predictor):
    """The model of a bundle on a model server.

    The predictor is ready only while the server is known to run the same model: at the start, whenever the server was
    unavailable, and after an invalid response, its metadata are compared with the manifest, and the golden rows are run
    on the server. An invalid response alone does not end the readiness: whoever finds an input that causes one could
    otherwise keep the model from everybody.
    """

    remote = True

    def __init__(self, manifest: Manifest, connection: Connection, version: str) -> None:
        """Create a predictor, and verify the server's model.

        Args:
            manifest: Manifest of the bundle.
            connection: Connection to the server.
            version: The server's name of the version; empty if the server has no versions.

        Raises:
            BundleError: If the server runs another model.
            ModelNotReady: If the server is unavailable.
        """
        super().__init__(manifest)
        self._client = _Client(manifest, connection, version)
        self.ready = False
        self._is_doubted = False
        self._reason = ""
        try:
            self._client.verify()
        except grpc.RpcError as error:
            self._log(error)
            raise ModelNotReady from None
        except ValueError as error:
            raise BundleError(f"model server: {error}") from None
        self.ready = True

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the model on the server; see `Predictor.predict`.

        Raises:
            InvalidOutput: If the response is invalid. The model stays ready: it may be due to the input.
            ModelNotReady: If the server is unavailable.
            Overloaded: If the server is overloaded.
            TooLate: If the server does not respond in time.
        """
        if not self.ready:
            raise ModelNotReady
        try:
            return self._client.predict(inputs, timeout)
        except grpc.RpcError as error:
            code = error.code()
            if code in _UNAVAILABLE:
                self._set_ready(False, code.name)
            elif code not in _ERRORS:
                self._log(error)
            raise _ERRORS.get(code, ModelNotReady) from None
        except ValueError as error:
            self._is_doubted = True
            _log.error("%s: the model server's response is invalid: %s", self.manifest.name, error)
            raise InvalidOutput(str(error)) from None

    def check(self) -> None:
        """Update the readiness, and verify the server's model if it was unavailable or a response was invalid."""
        try:
            is_ready = self._client.is_ready()
            if is_ready and (self._is_doubted or not self.ready):
                self._is_doubted = False
                self._client.verify()
            self._set_ready(is_ready, "it reports the model as not ready")
        except grpc.RpcError as error:
            self._set_ready(False, error.code().name)
        except (BundleError, ValueError) as error:
            self._set_ready(False, str(error))

    def _set_ready(self, ready: bool, reason: str) -> None:
        was_ready, self.ready = self.ready, ready
        if ready:
            reason = ""
            if not was_ready:
                _log.info("%s: the model server is available again", self.manifest.name)
        elif reason != self._reason:
            _log.warning("%s: the model server is unavailable: %s", self.manifest.name, reason)
        self._reason = reason

    def _log(self, error: grpc.RpcError) -> None:
        _log.error("%s: the model server rejected a call: %s", self.manifest.name, error.code().name)
