"""A predictor whose runs are traced."""

from collections.abc import Callable

from app.runtime.predictor import Array, Arrays, Predictor
from app.telemetry.calls import is_traced

RunModel = Callable[[Callable[[], dict[str, Array]], tuple[str, str], int], dict[str, Array]]
"""Runs a model, given what runs it, the model's name and version, and the number of rows."""


class TracedPredictor(Predictor):
    """Runs another predictor, and traces its runs."""

    def __init__(self, predictor: Predictor, run_model: RunModel) -> None:
        """Initialize the predictor.

        Args:
            predictor: The predictor that runs the model.
            run_model: Runs and traces it in a call.
        """
        super().__init__(predictor.manifest)
        self._predictor = predictor
        self._run_model = run_model
        self._model = predictor.manifest.name, predictor.manifest.version
        self.remote = predictor.remote

    @property
    def ready(self) -> bool:  # type: ignore[override]
        """Whether the predictor can answer now."""
        return self._predictor.ready

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """See `Predictor.predict`."""
        if not is_traced():
            return self._predictor.predict(inputs, timeout)
        rows = len(next(iter(inputs.values())))
        return self._run_model(lambda: self._predictor.predict(inputs, timeout), self._model, rows)
