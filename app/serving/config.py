"""uvicorn's configuration, with the bounds of a connection."""

from collections import Counter
from typing import Any

import uvicorn

from app.rest.asgi import App
from app.serving.bounds import Bounds
from app.serving.protocol import GuardedProtocol


class GuardedConfig(uvicorn.Config):
    """uvicorn's configuration for `GuardedProtocol`."""

    def __init__(self, app: App, bounds: Bounds, **more: Any) -> None:
        """Args:
        app: What is served.
        bounds: What a connection may take.
        more: More of `uvicorn.Config`'s arguments.
        """
        super().__init__(
            app,
            http=GuardedProtocol,
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
        self.refused: Counter[str] = Counter()
        """Requests refused before they reached the application, by the problem's code."""
