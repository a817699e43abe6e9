"""The canary: a candidate that answers a share of the calls."""

from collections.abc import Callable, Mapping, Sequence

from app.models.loaded import LoadedModel
from app.runtime.predictor import Array, Arrays
from app.telemetry.metrics import Registry
from app.traffic.calls import current_call
from app.traffic.comparison import Comparison
from app.traffic.rollout import LiveRollout, Trial


class Canary(LiveRollout):
    """A candidate that answers a share of the calls; a call that it cannot answer is answered by the active version."""

    def __init__(self, trial: Trial, metrics: Registry, on_breach: Callable[[LiveRollout], None]) -> None:
        """Initialize the canary; see `LiveRollout`.

        Args:
            trial: See `LiveRollout`.
            metrics: See `LiveRollout`.
            on_breach: See `LiveRollout`.

        Raises:
            BundleError: If differences are bounded, and the versions cannot be compared.
        """
        super().__init__(trial, metrics, on_breach)
        self._comparison = None
        if self.spec.max_difference is not None:
            self._comparison = Comparison(self.candidate.manifest, self.active.manifest)
        self.sticky, self.share = self.spec.sticky, self.spec.share
        self.salt = f"{self.name} {self.version}".encode()[:64]
        """Not the rollout's id: the candidate's callers stay the same when the share grows."""

    def begin(self) -> None:
        """Watch the candidate."""
        super().begin()
        self.candidate.add_observer(self._observe)

    def end(self) -> None:
        """Stop watching."""
        self.candidate.remove_observer(self._observe)
        super().end()

    def choose(self, active: LoadedModel) -> LoadedModel:
        """Return the candidate if it answers the present caller."""
        call = current_call()
        if call is None or self.breach is not None or not call.is_picked(self):
            return active
        call.choose(self)
        return self.candidate

    def answered(self, fault: str, request_id: bytes) -> None:
        """Count a call; see `app.traffic.calls.Canary`."""
        if fault:
            self.note_failure(fault, (request_id,))
        self.ran(failed=bool(fault))

    def _observe(
        self, inputs: Arrays, outputs: Mapping[str, Array], seconds: float, requests: Sequence[object]
    ) -> None:
        call = current_call()
        if (
            call is None or self.breach is not None
        ):  # without a call: calls that request a version are not part of a canary
            return
        self.metrics.seconds.inc(seconds)
        self.judge(self._guard.took(seconds))
        if self._comparison is None:
            return
        try:
            others = self.active.predictor.predict(self._comparison.inputs(inputs))
            gaps = self._comparison.differences(outputs, others)
        except Exception:  # of the active version, or of an output that the caller's domain rejects in a moment
            return
        self.compared(gaps, [(len(gaps), (call.request_id,))])
