"""The REST API around a model manager, as the program builds it, with one key."""

from io import StringIO
from typing import Any

from app.access.guard import Guard
from app.access.keys import KeyRing
from app.access.public import PublicModels
from app.domains.api import DomainApi
from app.lifecycle import Lifecycle
from app.models.manager import ModelManager
from app.oip.data_plane import DataPlane
from app.rest.api_key import Access
from app.rest.application import Backend, RestApplication, RestOptions
from app.runtime.memory_budget import MemoryBudget
from app.runtime.thread_pool import BoundedThreadPool
from app.telemetry.logs import RequestLog
from app.traffic.traffic import Traffic
from tests.known import KEY


def rest_application(
    manager: ModelManager,
    *domains: DomainApi,
    log: RequestLog | None = None,
    thread_pool: BoundedThreadPool | None = None,
    lifecycle: Lifecycle | None = None,
    memory_budget: MemoryBudget | None = None,
    traffic: Traffic | None = None,
    **options: Any,
) -> RestApplication:
    """Build the REST API.

    Args:
        manager: The model manager.
        domains: The domains whose operations become routes.
        log: The access log; by default it is discarded.
        thread_pool: Runs long requests; a new pool by default.
        lifecycle: Tells whether the process is ready; by default whether the models can answer.
        memory_budget: Limits what requests hold; by default a new one.
        traffic: Knows which versions are tried; by default none.
        options: Arguments of `RestOptions`.
    """
    thread_pool = thread_pool or BoundedThreadPool()
    return RestApplication(
        Backend(
            manager,
            domains,
            DataPlane(manager, thread_pool),
            thread_pool,
            memory_budget or MemoryBudget(),
            traffic or Traffic(),
        ),
        Access(Guard(KeyRing.single(KEY)), PublicModels()),
        log or RequestLog(StringIO()),
        lifecycle or Lifecycle(lambda: manager.ready),
        RestOptions(**options),
    )
