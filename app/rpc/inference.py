"""The service ``inference.GRPCInferenceService``: the Open Inference Protocol over gRPC."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from app.access.keys import ADMIN, PREDICT
from app.errors import InputError, Problem
from app.oip.data_plane import EXTENSIONS, SERVER, DataPlane
from app.oip.metadata import config_of, metadata_of, statistics_of
from app.rpc._pb import open_inference_pb2 as pb
from app.rpc.messages import answer_message, read_call
from app.rpc.methods import Call, Method
from app.rpc.traffic import from_caller
from app.runtime.thread_pool import BoundedThreadPool
from app.traffic.traffic import Traffic

_MessageT = TypeVar("_MessageT", bound=Message)

SERVICE = "inference.GRPCInferenceService"
LARGE_MESSAGE = 65_536
"""Size in bytes above which a message with typed contents is converted in the thread pool, not in the event loop."""


class InferenceMethods:
    """The methods of the service."""

    def __init__(
        self,
        plane: DataPlane,
        thread_pool: BoundedThreadPool,
        is_ready: Callable[[], bool],
        traffic: Traffic | None = None,
    ) -> None:
        """Create the methods.

        Args:
            plane: The data plane.
            thread_pool: Runs slow calls.
            is_ready: Returns whether the server is ready: the models are loaded, and it is not shutting down.
            traffic: Knows which versions are tried; by default none.
        """
        self._traffic = traffic or Traffic()
        self._plane = plane
        self._thread_pool = thread_pool
        self._is_ready = is_ready
        self.methods = (
            self._method("ModelInfer", pb.ModelInferRequest, self._infer, lambda request: (request.model_name,)),
            self._method("ServerLive", pb.ServerLiveRequest, self._live, scope=None),
            self._method("ServerReady", pb.ServerReadyRequest, self._ready, scope=None),
            self._method("ModelReady", pb.ModelReadyRequest, self._model_ready, _named),
            self._method("ServerMetadata", pb.ServerMetadataRequest, self._server),
            self._method("ModelMetadata", pb.ModelMetadataRequest, self._metadata, _named),
            self._method("ModelConfig", pb.ModelConfigRequest, self._config, _named),
            self._method("ModelStatistics", pb.ModelStatisticsRequest, self._statistics, _named),
            self._method("RepositoryIndex", pb.RepositoryIndexRequest, self._index),
            self._method("RepositoryModelLoad", pb.RepositoryModelLoadRequest, self._load, scope=ADMIN),
            self._method("RepositoryModelUnload", pb.RepositoryModelUnloadRequest, self._unload, scope=ADMIN),
        )

    def _method(
        self,
        name: str,
        request: type[Message],
        answer: Callable[[Any, Call], Awaitable[Message]],
        models: Callable[[Any], Sequence[str]] | None = None,
        scope: str | None = PREDICT,
    ) -> Method:
        return Method(f"/{SERVICE}/{name}", request, answer, scope=scope, models=models)

    async def _infer(self, request: pb.ModelInferRequest, call: Call) -> Message:
        timeout = call.remaining()
        if request.raw_input_contents or request.ByteSize() <= LARGE_MESSAGE:
            infer_call = from_caller(read_call(request), call, self._traffic)
            return answer_message(request, await self._plane.infer(infer_call, timeout))
        return await self._thread_pool.run(partial(self._answer, request, call), timeout)

    def _answer(self, request: pb.ModelInferRequest, call: Call, timeout: float | None) -> pb.ModelInferResponse:
        infer_call = from_caller(read_call(request), call, self._traffic)
        return answer_message(request, self._plane.answer(infer_call, timeout))

    async def _live(self, request: pb.ServerLiveRequest, _: Call) -> Message:
        return pb.ServerLiveResponse(live=True)

    async def _ready(self, request: pb.ServerReadyRequest, _: Call) -> Message:
        return pb.ServerReadyResponse(ready=self._is_ready())

    async def _model_ready(self, request: pb.ModelReadyRequest, _: Call) -> Message:
        return pb.ModelReadyResponse(ready=self._plane.is_ready(request.name, request.version or None))

    async def _server(self, request: pb.ServerMetadataRequest, _: Call) -> Message:
        return pb.ServerMetadataResponse(name=SERVER, version=self._plane.version, extensions=EXTENSIONS)

    async def _metadata(self, request: pb.ModelMetadataRequest, _: Call) -> Message:
        signature = await self._plane.signature(request.name, request.version or None)
        return _filled(pb.ModelMetadataResponse, metadata_of(signature, self._plane.versions(request.name)))

    async def _config(self, request: pb.ModelConfigRequest, _: Call) -> Message:
        signature = await self._plane.signature(request.name, request.version or None)
        return pb.ModelConfigResponse(config=_filled(pb.ModelConfig, config_of(signature)))

    async def _statistics(self, request: pb.ModelStatisticsRequest, _: Call) -> Message:
        statistics = statistics_of(await self._plane.statistics(request.name or None, request.version or None))
        return _filled(pb.ModelStatisticsResponse, statistics)

    async def _index(self, request: pb.RepositoryIndexRequest, _: Call) -> Message:
        models = [
            pb.RepositoryIndexResponse.ModelIndex(name=s.name, version=s.version, state=s.state, reason=s.reason)
            for s in self._plane.index(request.ready)
        ]
        return pb.RepositoryIndexResponse(models=models)

    async def _load(self, request: pb.RepositoryModelLoadRequest, call: Call) -> Message:
        if request.parameters:
            raise InputError([Problem("parameters", "not_served", "load parameters are not supported")])
        await self._plane.load(request.model_name, call.principal.id if call.principal else "")
        return pb.RepositoryModelLoadResponse()

    async def _unload(self, request: pb.RepositoryModelUnloadRequest, call: Call) -> Message:
        await self._plane.unload(request.model_name, call.principal.id if call.principal else "")
        return pb.RepositoryModelUnloadResponse()


def _named(request: Any) -> Sequence[str]:
    return (request.name,)


def _filled(kind: Callable[..., _MessageT], fields: Mapping[str, Any]) -> _MessageT:
    """Build a message from its fields. `json_format.ParseDict` does the same, but takes 5 ms to import."""
    return kind(**fields)
