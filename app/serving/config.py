"""uvicorn's configuration, with the bounds of a connection."""

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.problem_types import ProblemType
from app.serving.fair_start import FairStart
from app.serving.limits import Bounds
from app.serving.protocol import BoundedHttpProtocol


class BoundedConfig(uvicorn.Config):
    """uvicorn's configuration for `BoundedHttpProtocol`."""

    def __init__(
        self,
        app: ASGIApp,
        bounds: Bounds,
        on_unread: Callable[[ProblemType], None] = lambda problem_type: None,
        **more: Any,
    ) -> None:
        """Initialize the bounded config.

        Args:
            app: What is served.
            bounds: What a connection may take.
            on_unread: Told of each request that is refused before the application has heard of it.
            more: More of `uvicorn.Config`'s arguments.
        """
        super().__init__(
            app,
            http=BoundedHttpProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom to believe about addresses is a setting of ours
            **more,
        )
        self.bounds = bounds
        self.retiring = False
        """Whether the program is leaving: every answer then closes its connection."""
        self.on_unread = on_unread
        self._turnstile: FairStart | None = None

    def turnstile(self, loop: asyncio.AbstractEventLoop) -> FairStart:
        """The turnstile of all connections, which live in one event loop."""
        if self._turnstile is None:
            self._turnstile = FairStart(loop)
        return self._turnstile
