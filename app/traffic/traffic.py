"""The traffic of this process: which rollouts are on. It imports what a rollout needs only once there is one."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.traffic.rollout import LiveRollout
    from app.traffic.rollouts import Rollouts


class Traffic:
    """Which rollouts are on. Transports read `current` once per request."""

    def __init__(self) -> None:
        """Initialize the traffic; no rollout is on."""
        self.current: Rollouts | None = None
        """The rollouts; None, which costs nothing, while there are none."""
        self.request_ids: dict[int, bytes] = {}
        """Ids of the requests that are answered together, by the `id` of the request's object."""
        self._lock = threading.Lock()

    def add(self, rollout: "LiveRollout") -> None:
        """Let calls know of a rollout."""
        with self._lock:
            self._set({**self._by_name, rollout.name: rollout})

    def remove(self, rollout: "LiveRollout") -> None:
        """Let no further call know of a rollout."""
        with self._lock:
            self._set({name: each for name, each in self._by_name.items() if each is not rollout})

    @property
    def _by_name(self) -> "Mapping[str, LiveRollout]":
        return self.current.by_name if self.current else {}

    def _set(self, by_name: "Mapping[str, LiveRollout]") -> None:
        from app.traffic.rollouts import Rollouts  # not needed until a version is tried

        self.current = Rollouts(by_name, self.request_ids) if by_name else None
