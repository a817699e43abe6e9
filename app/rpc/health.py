"""Health: grpc.health.v1, by the names of services; open to everybody, as /health/* is."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from app.errors import Overloaded
from app.rpc.methods import Call, Method
from app.rpc.status import NO_SERVICE, CallRefused

SERVICE = "grpc.health.v1.Health"
LOOK_SECONDS = 0.25
"""Between two looks at whether a watched service is well."""
MOST_WATCHERS = 256

_SERVING: int = HealthCheckResponse.SERVING
_NOT_SERVING: int = HealthCheckResponse.NOT_SERVING
_UNKNOWN: int = HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """Answers whether services can be used."""

    def __init__(self, services: Mapping[str, Callable[[], bool]]) -> None:
        """Initialize the health.

        Args:
            services: Whether a service can be used, by its name; the empty name is the whole server.
        """
        self._services = services
        self._retired = asyncio.Event()
        self._watchers = 0
        self.methods = (
            Method(f"/{SERVICE}/Check", HealthCheckRequest, self._check, scope=None),
            Method(f"/{SERVICE}/Watch", HealthCheckRequest, stream=self._watch, scope=None),
        )

    def retire(self) -> None:
        """Nothing can be used any more: tell those who watch, and end their calls."""
        self._retired.set()

    def _status(self, service: str) -> int:
        is_well = self._services.get(service)
        if is_well is None:
            return _UNKNOWN
        return _SERVING if is_well() and not self._retired.is_set() else _NOT_SERVING

    async def _check(self, request: HealthCheckRequest, _: Call) -> HealthCheckResponse:
        status = self._status(request.service)
        if status == _UNKNOWN:
            raise CallRefused(NO_SERVICE)
        return HealthCheckResponse(status=status)

    async def _watch(self, request: HealthCheckRequest, _: Call) -> AsyncIterator[HealthCheckResponse]:
        """Tell the status now, and each time that it has changed; a service that there is not may yet come."""
        if self._watchers >= MOST_WATCHERS:
            raise Overloaded
        self._watchers += 1
        try:
            told = None
            while True:
                ending = self._retired.is_set()
                status = self._status(request.service)
                if status != told:
                    told = status
                    yield HealthCheckResponse(status=status)
                if ending:
                    return
                await self._look_again()
        finally:
            self._watchers -= 1

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._retired.wait()
        except TimeoutError:
            pass
