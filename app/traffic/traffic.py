"""The traffic of this process: the current rollouts. Their code is imported only once there is one."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.traffic.rollout import LiveRollout
    from app.traffic.rollouts import Rollouts


class Traffic:
    """The current rollouts. Transports read `current` once per request."""

    def __init__(self) -> None:
        """Initialize the traffic; no rollout is on."""
        self.current: Rollouts | None = None
        """The rollouts; None, which costs nothing, while there are none."""
        self.request_ids: dict[int, bytes] = {}
        """Ids of the requests that are answered together, by the `id` of the request's object."""
        self._lock = threading.Lock()

    def add(self, rollout: "LiveRollout") -> None:
        """Add a rollout, for the calls from now on."""
        with self._lock:
            self._set({**self._by_name, rollout.name: rollout})

    def remove(self, rollout: "LiveRollout") -> None:
        """Remove a rollout, for the calls from now on."""
        with self._lock:
            self._set({name: each for name, each in self._by_name.items() if each is not rollout})

    @property
    def _by_name(self) -> "Mapping[str, LiveRollout]":
        return self.current.by_name if self.current else {}

    def _set(self, by_name: "Mapping[str, LiveRollout]") -> None:
        from app.traffic.rollouts import Rollouts  # not needed without a rollout

        self.current = Rollouts(by_name, self.request_ids) if by_name else None
