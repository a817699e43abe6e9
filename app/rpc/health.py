"""The service ``grpc.health.v1.Health``: the status of each service, without a key.

The servicer of grpcio-health-checking is not used: when one of several watchers of a service leaves, it forgets the
others, and it keeps watchers open while the server stops.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from app.errors import Overloaded
from app.problem_types import SERVICE_NOT_FOUND
from app.rpc.connections import address_of
from app.rpc.methods import Call, Method
from app.rpc.status import CallRejected

SERVICE = "grpc.health.v1.Health"
POLL_SECONDS = 0.25
"""Seconds between checks of a watched service."""
MAX_WATCHERS = 512
"""Maximum number of concurrent Watch calls."""
MAX_WATCHERS_PER_ADDRESS = 128
"""Maximum number of concurrent Watch calls from one address."""
MAX_WATCHERS_PER_CONNECTION = 4
"""Maximum number of concurrent Watch calls on one connection. A client needs one for each service that it watches."""

_SERVING: int = HealthCheckResponse.SERVING
_NOT_SERVING: int = HealthCheckResponse.NOT_SERVING
_UNKNOWN: int = HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """Reports whether services are available."""

    def __init__(self, services: Mapping[str, Callable[[], bool]]) -> None:
        """Create the service.

        Args:
            services: Functions that return whether a service is available, by its name; the empty name is the server.
        """
        self._services = services
        self._retired = asyncio.Event()
        self._watchers: Counter[str] = Counter()
        """Watch calls by connection and by address; the empty name counts them all."""
        self.methods = (
            Method(f"/{SERVICE}/Check", HealthCheckRequest, self._check, scope=None),
            Method(f"/{SERVICE}/Watch", HealthCheckRequest, stream=self._watch, scope=None),
        )

    def retire(self) -> None:
        """Report every service as unavailable from now on, and end the Watch calls."""
        self._retired.set()

    def _status(self, service: str) -> int:
        is_available = self._services.get(service)
        if is_available is None:
            return _UNKNOWN
        return _SERVING if is_available() and not self._retired.is_set() else _NOT_SERVING

    async def _check(self, request: HealthCheckRequest, _: Call) -> HealthCheckResponse:
        status = self._status(request.service)
        if status == _UNKNOWN:
            raise CallRejected(SERVICE_NOT_FOUND)
        return HealthCheckResponse(status=status)

    async def _watch(self, request: HealthCheckRequest, call: Call) -> AsyncIterator[HealthCheckResponse]:
        """Send the status now and at each change."""
        watchers, peer = self._watchers, call.peer
        limits = {
            "": MAX_WATCHERS,
            address_of(peer) or "none": MAX_WATCHERS_PER_ADDRESS,
            peer: MAX_WATCHERS_PER_CONNECTION,
        }
        if any(watchers[name] >= limit for name, limit in limits.items()):
            raise Overloaded
        watchers.update(limits.keys())
        last = None
        try:
            while True:
                retired = self._retired.is_set()
                status = self._status(request.service)
                if status != last:
                    last = status
                    yield HealthCheckResponse(status=status)
                if retired:
                    return
                await self._pause()
        finally:
            watchers.subtract(limits.keys())
            for name in limits:
                if not watchers[name]:
                    del watchers[name]

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._retired.wait()
        except TimeoutError:
            pass
