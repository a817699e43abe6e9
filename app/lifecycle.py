"""The lifecycle of the process: what runs in the background is started, and ended, in one place."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class Component(Protocol):
    """Something that runs in the background: a reloader, a file watcher, a connection, a thread pool."""

    def start(self) -> None:
        """Start the component. Called once, in the process that serves."""

    def stop(self) -> Awaitable[None] | None:
        """Stop the component and release what it holds."""


class Lifecycle:
    """Starts the components, reports readiness, and stops the components in reverse order.

    The states are created, started, retiring and stopped. `start` runs in the process that serves, before the first
    request: a supervisor builds the same components and never starts them.
    """

    def __init__(self, is_ready: Callable[[], bool] = lambda: True, components: Sequence[Component] = ()) -> None:
        """Initialize the lifecycle.

        Args:
            is_ready: Whether the models can answer.
            components: The background components, in the order in which they start.
        """
        self._is_ready = is_ready
        self._components = components
        self._started = False
        self._retiring = False

    def start(self) -> None:
        """Start every component; a second call has no effect."""
        if self._started:
            return
        self._started = True
        for component in self._components:
            component.start()

    @property
    def ready(self) -> bool:
        """Whether new requests are welcome: the models can answer, and the process is not shutting down."""
        return not self._retiring and self._is_ready()

    def retire(self) -> None:
        """Report unreadiness from now on, and keep answering."""
        self._retiring = True

    async def stop(self) -> None:
        """Stop the components that were started, in reverse order; a second call has no effect."""
        self._retiring = True
        if not self._started:
            return
        self._started = False
        for component in reversed(self._components):
            stopping = component.stop()
            if stopping is not None:
                await stopping
