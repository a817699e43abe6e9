"""The current rollouts of this process, and their calls."""

from collections.abc import Collection, Mapping, MutableMapping

from app.traffic.calls import Call, Header
from app.traffic.canary import Canary
from app.traffic.rollout import LiveRollout


class Rollouts:
    """The current rollouts; at least one. Never changed in place."""

    def __init__(self, by_name: Mapping[str, LiveRollout], request_ids: MutableMapping[int, bytes]) -> None:
        """Initialize the rollouts.

        Args:
            by_name: The rollouts by the model's name.
            request_ids: Ids of the requests that are answered together, by the `id` of the request's object.
        """
        self.by_name = by_name
        self.request_ids = request_ids
        """See above."""
        self.canaries = tuple(each for each in by_name.values() if isinstance(each, Canary))
        """The canaries among them."""

    def call(self, request_id: bytes, key_id: str, header: Header) -> Call:
        """Begin a call; see `Call`."""
        return Call(request_id, key_id, header)

    def picks(self, call: Call, models: Collection[str]) -> bool:
        """Whether a candidate of any of these models answers the call."""
        for canary in self.canaries:
            if canary.name in models and call.is_picked(canary):
                return True
        return False
