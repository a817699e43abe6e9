"""A version that serves: its predictor and what tells its reasons, swapped together in one step."""

from dataclasses import dataclass
from time import perf_counter

from app.bundle.manifest import Explanation
from app.errors import ModelNotFound
from app.models.metrics import ModelMetrics
from app.oip.signature import Contract
from app.runtime.predictor import Array, Arrays, Predictor, pack
from app.runtime.shapley import Rows, ShapleyExplainer
from app.telemetry.metrics import Registry


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a model answered as it did."""

    base_value: float
    """Mean output over the background, in the output's unit."""
    contributions: tuple[tuple[str, float], ...]
    """Name of each group and what it adds; with ``base_value`` they add up to the output."""


class LoadedModel:
    """One loaded version. Whoever holds it may finish on it after another has taken its place."""

    __slots__ = ("_explainer", "contract", "manifest", "predictor", "watch")

    def __init__(self, predictor: Predictor, metrics: Registry) -> None:
        """Initialize the loaded model.

        Args:
            predictor: Verified and loaded.
            metrics: Hold the figures of what is asked.
        """
        self.manifest = predictor.manifest
        self.predictor = predictor
        self.contract = Contract(predictor.manifest)
        self.watch = ModelMetrics(metrics, self.manifest)
        self._explainer: ShapleyExplainer | None = None
        if self.manifest.explanation and self.manifest.packed:
            self._explainer = _explainer(predictor, self.manifest.packed, self.manifest.explanation)

    def infer(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the version and count what it was asked; see `Predictor.predict`."""
        began = perf_counter()
        outputs = self.predictor.predict(inputs, timeout)
        self.watch.seen(inputs, perf_counter() - began)
        return outputs

    def explain(self, row: Rows) -> Reasons:
        """Why this version answers a row as it does; takes milliseconds.

        Args:
            row: Shape (n_inputs,), float32.

        Returns:
            The reasons, in the order of the manifest's groups.

        Raises:
            ModelNotFound: The model cannot be explained.
        """
        if self._explainer is None or self.manifest.explanation is None:
            raise ModelNotFound
        names = (group.name for group in self.manifest.explanation.groups)
        values = self._explainer.contributions(row).tolist()
        return Reasons(self._explainer.base_value, tuple(zip(names, values, strict=True)))


def _explainer(predictor: Predictor, packed: str, explanation: Explanation) -> ShapleyExplainer:
    column = {declared.name: number for number, declared in enumerate(predictor.manifest.inputs)}
    return ShapleyExplainer(
        [[column[name] for name in group.inputs] for group in explanation.groups],
        pack(predictor.manifest, explanation.background)[packed],
        lambda rows: predictor.predict({packed: rows})[explanation.output],
    )
