"""The Open Inference Protocol as an ASGI application: its endpoints and their answers."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.errors import CallError, InputError, ModelNotReady, Problem
from app.models.state import VersionState
from app.oip.data_plane import EXTENSIONS, SERVER, DataPlane, InferCall
from app.oip.metadata import config_of, metadata_of, statistics_of
from app.oip.schema import (
    InferResponse,
    ModelConfiguration,
    ModelMetadata,
    ModelReady,
    RepositoryAnswer,
    ServerLive,
    ServerMetadata,
    ServerReady,
    StatisticsList,
)
from app.oip.tensors import working_cost
from app.problem_types import INVALID_INPUT, METHOD_NOT_ALLOWED, NOT_FOUND, problem_type_of
from app.rest.body import bytes_cost, read_body, reject, release
from app.rest.error_formats import error_format
from app.rest.oip.endpoints import INDEX_OPTIONS, REPOSITORY_OPTIONS, Answer, Call, Endpoint, Handle, read_options
from app.rest.oip.messages import answer_cost, decompress, json_length, read_call, tensors_cost, write_answer
from app.rest.problems import RequestRejected, send_problem, send_redirect
from app.rest.responses import JSON, request_header, respond
from app.rest.traffic import call_of
from app.runtime.memory_budget import MemoryBudget, Reservation
from app.runtime.thread_pool import BoundedThreadPool
from app.traffic.traffic import Traffic

PREFIX = "/v2"
ADMIN_PATH = re.compile(r"/v2/repository/models/[^/]*/(?:load|unload)")
"""Paths that require the scope ``admin``."""
OPEN_PATHS = frozenset({"/v2/health/live", "/v2/health/ready"})
"""Paths that require no API key."""
INVALID_CALL = replace(INVALID_INPUT, http_status=400)
"""The protocol answers invalid input with 400, not 422."""
format_oip_error = error_format(lambda sentence: {"error": sentence})
"""Formats errors as the protocol does."""


class OipApplication:
    """ASGI application for every path under ``/v2``."""

    def __init__(
        self,
        data_plane: DataPlane,
        thread_pool: BoundedThreadPool,
        is_ready: Callable[[], bool],
        limit: int,
        memory_budget: MemoryBudget,
        traffic: Traffic | None = None,
    ) -> None:
        """Create the application.

        Args:
            data_plane: Answers the calls.
            thread_pool: Runs calls that take long.
            is_ready: Whether the models can answer and the process is not shutting down.
            limit: Maximum bytes of a body, both compressed and decompressed.
            memory_budget: Limits what requests in progress hold.
            traffic: Knows which versions are tried; by default none.
        """
        self._traffic = traffic or Traffic()
        self._data_plane = data_plane
        self._thread_pool = thread_pool
        self._is_ready = is_ready
        self._limit = limit
        self._memory_budget = memory_budget
        self.endpoints = tuple(self._endpoints())
        self._patterns = [(endpoint, endpoint.pattern) for endpoint in self.endpoints]

    def _endpoints(self) -> Sequence[Endpoint]:
        version, of_version = "/v2/models/{model}/versions/{version}", " of a version"
        infer, versions = InferResponse, list[VersionState]
        return [
            Endpoint("POST", "/v2/models/{model}/infer", "v2_infer", "Infer", infer, self._infer),
            Endpoint("POST", f"{version}/infer", "v2_infer_version", f"Infer{of_version}", infer, self._infer),
            Endpoint("GET", "/v2", "v2_server", "Server metadata", ServerMetadata, self._server),
            Endpoint("GET", "/v2/", "v2_server_slash", "Server metadata", ServerMetadata, self._server),
            Endpoint("GET", "/v2/health/live", "v2_live", "Whether the server responds", ServerLive, self._live),
            Endpoint("GET", "/v2/health/ready", "v2_ready", "Whether the models can answer", ServerReady, self._ready),
            Endpoint(
                "GET", "/v2/models/stats", "v2_all_stats", "Statistics of every model", StatisticsList, self._stats
            ),
            Endpoint("GET", "/v2/models/{model}", "v2_model", "Model metadata", ModelMetadata, self._metadata),
            Endpoint("GET", version, "v2_version", f"Metadata{of_version}", ModelMetadata, self._metadata),
            *(
                Endpoint("GET", f"{path}/{word}", f"v2_{word}{kind}", f"{summary}{suffix}", answer, handle)
                for word, summary, answer, handle in (
                    ("ready", "Readiness of a model", ModelReady, self._model_ready),
                    ("config", "Configuration of a model", ModelConfiguration, self._config),
                    ("stats", "Statistics of a model", StatisticsList, self._stats),
                )
                for path, kind, suffix in (("/v2/models/{model}", "_model", ""), (version, "_version", "'s version"))
            ),
            Endpoint(
                "POST", "/v2/repository/index", "v2_index", "List the versions and their states", versions, self._index
            ),
            *(
                Endpoint("POST", f"/v2/repository/models/{{model}}/{word}", f"v2_{word}", summary, RepositoryAnswer, do)
                for word, summary, do in (
                    ("load", "Load a model", self._load),
                    ("unload", "Unload a model", self._unload),
                )
            ),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle an HTTP request."""
        path, method = scope["path"], scope["method"]
        allowed: dict[str, None] = {}
        for endpoint, pattern in self._patterns:
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if endpoint.method == method:
                scope["state"]["route"] = endpoint.path
                await self._respond(endpoint.handle, Call(scope, receive, match.groupdict(), self._memory_budget), send)
                return
            allowed[endpoint.method] = None
            if endpoint.method == "GET":
                allowed["HEAD"] = None  # which `RestApplication` passes on as GET
        if not allowed:
            if path[-1:] == "/" and any(pattern.fullmatch(path[:-1]) for _, pattern in self._patterns):
                if await send_redirect(scope, send, format_oip_error):
                    return
            await send_problem(send, NOT_FOUND, formatter=format_oip_error)
            return
        await send_problem(
            send, METHOD_NOT_ALLOWED, headers=[(b"allow", ", ".join(allowed).encode())], formatter=format_oip_error
        )

    async def _respond(self, handle: Handle, call: Call, send: Send) -> None:
        try:
            body, media_type, headers = await handle(call)
        except RequestRejected as rejection:
            problem_type, unread = rejection.problem_type, rejection.unread
            await reject(
                call.scope,
                call.receive,
                send,
                problem_type,
                *rejection.headers,
                unread=unread,
                formatter=format_oip_error,
            )
        except InputError as error:
            await send_problem(send, INVALID_CALL, error.problems, formatter=format_oip_error)
        except CallError as error:
            await send_problem(send, problem_type_of(type(error)), formatter=format_oip_error)
        else:
            await respond(send, 200, body, media_type, headers)
        finally:
            if call.reservation is not None:
                release(call.reservation)

    async def _infer(self, call: Call) -> Answer:
        # Content-Type is ignored: tritonclient sends none, and curl sends that of a form
        json_size, encoding = json_length(call.scope), _encoding(call.scope)
        cost = tensors_cost if json_size is None and not encoding else bytes_cost
        body, call.reservation = await read_body(call.scope, call.receive, self._limit, self._memory_budget, cost)
        if call.reservation is None and not encoding:
            message = read_call(call.model, call.version, body, json_size)
            return write_answer(message, await self._data_plane.infer(self._from_caller(message.call, call)))
        if call.reservation is None:
            call.reservation = self._memory_budget.reserve(has_key="principal" in call.scope["state"])
        work = partial(self._decompress_and_infer, call, encoding, json_size, call.reservation)
        return await self._thread_pool.run(work, body)

    def _from_caller(self, call: InferCall, request: Call) -> InferCall:
        rollouts = self._traffic.current
        if rollouts is None or call.version is not None:
            return call
        return replace(call, caller=call_of(rollouts, request.scope))

    def _decompress_and_infer(
        self, call: Call, encoding: bytes, json_size: int | None, reservation: Reservation, body: bytes
    ) -> Answer:
        if encoding:
            cost = tensors_cost if json_size is None else bytes_cost
            body = decompress(encoding, body, self._limit, lambda piece: reservation.grow(cost(piece)))
        if json_size is not None:
            reservation.grow(tensors_cost(body[:json_size]))
        message = read_call(call.model, call.version, body, json_size)
        reservation.grow(sum(map(working_cost, message.call.inputs)))
        answer = self._data_plane.answer(self._from_caller(message.call, call))
        reservation.grow(answer_cost(message, answer))
        return write_answer(message, answer)

    async def _server(self, _: Call) -> Answer:
        return _json({"name": SERVER, "version": self._data_plane.version, "extensions": EXTENSIONS})

    async def _live(self, _: Call) -> Answer:
        return _json({"live": True})

    async def _ready(self, _: Call) -> Answer:
        if not self._is_ready():
            raise ModelNotReady
        return _json({"live": True, "ready": True})

    async def _metadata(self, call: Call) -> Answer:
        signature = await self._data_plane.signature(call.model, call.version)
        return _json(metadata_of(signature, self._data_plane.versions(call.model)))

    async def _model_ready(self, call: Call) -> Answer:
        if not self._data_plane.is_ready(call.model, call.version):
            raise ModelNotReady
        return _json({"name": call.model, "ready": True})

    async def _config(self, call: Call) -> Answer:
        return _json(config_of(await self._data_plane.signature(call.model, call.version)))

    async def _stats(self, call: Call) -> Answer:
        return _json(statistics_of(await self._data_plane.statistics(call.values.get("model"), call.version)))

    async def _index(self, call: Call) -> Answer:
        options = await read_options(call, INDEX_OPTIONS)
        return _json(self._data_plane.index(options.get("ready") is True))

    async def _load(self, call: Call) -> Answer:
        if (await read_options(call, REPOSITORY_OPTIONS)).get("parameters"):
            raise InputError([Problem("parameters", "not_served", "load parameters are not supported")])
        await self._data_plane.load(call.model, _key_id(call))
        return _json({})

    async def _unload(self, call: Call) -> Answer:
        await read_options(call, REPOSITORY_OPTIONS)
        await self._data_plane.unload(call.model, _key_id(call))
        return _json({})


def _key_id(call: Call) -> str:
    principal = call.scope["state"].get("principal")
    return principal.id if principal else ""


def _json(content: object) -> Answer:
    return to_json(content), JSON, ()


def _encoding(scope: Scope) -> bytes:
    encoding = (request_header(scope, b"content-encoding") or b"").strip().lower()
    return b"" if encoding == b"identity" else encoding
