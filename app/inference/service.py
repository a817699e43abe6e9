"""The inference service: the one way in to models."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.bundle.manifest import Explanation, Manifest
from app.errors import ModelNotFound, ModelNotReady
from app.inference.explain import Rows, ShapleyExplainer
from app.inference.predictor import Array, Arrays, Predictor, pack
from app.inference.watch import ModelWatch
from app.telemetry.metrics import Registry


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a model answered as it did."""

    base_value: float
    """Mean output over the background, in the output's unit."""
    contributions: tuple[tuple[str, float], ...]
    """Name of each group and what it adds; with ``base_value`` they add up to the output."""


class InferenceService:
    """Finds a model by name and runs it. Every door calls it."""

    def __init__(self, names: Iterable[str], metrics: Registry | None = None) -> None:
        """Args:
        names: The models that are to be served; each answers once `serve` has been given its predictor.
        metrics: Holds the figures of what is asked and answered; by default one of its own.
        """
        self.metrics = metrics or Registry()
        self._watches: dict[str, ModelWatch] = {}
        self._predictors: dict[str, Predictor | None] = dict.fromkeys(names)
        self._explainers: dict[str, ShapleyExplainer] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are to be served."""
        return tuple(self._predictors)

    @property
    def ready(self) -> bool:
        """Whether every model is loaded and verified."""
        return all(self._predictors.values())

    def serve(self, predictor: Predictor) -> None:
        """Let a predictor answer for its model from now on."""
        manifest = predictor.manifest
        if manifest.explanation and manifest.packed:
            self._explainers[manifest.name] = _explainer(predictor, manifest.packed, manifest.explanation)
        if manifest.name in self._watches:
            self._watches[manifest.name].retire()
        self._watches[manifest.name] = ModelWatch(self.metrics, manifest)
        self._predictors[manifest.name] = predictor

    def predictor(self, name: str) -> Predictor:
        """The predictor that answers for a model.

        Raises:
            ModelNotFound: No such model.
            ModelNotReady: It is not loaded yet.
        """
        try:
            predictor = self._predictors[name]
        except KeyError:
            raise ModelNotFound from None
        if predictor is None:
            raise ModelNotReady
        return predictor

    def infer(self, name: str, inputs: Arrays) -> tuple[Manifest, dict[str, Array]]:
        """Run a model.

        Args:
            name: The model's name.
            inputs: See `Predictor.predict`.

        Returns:
            The manifest of the version that answered, and its outputs.

        Raises:
            ModelNotFound: No such model.
            ModelNotReady: It is not loaded yet.
        """
        predictor = self.predictor(name)
        outputs = predictor.predict(inputs)
        self._watches[name].seen(inputs)
        return predictor.manifest, outputs

    def explain(self, name: str, row: Rows) -> Reasons:
        """Why a model answers a row as it does; takes milliseconds.

        Args:
            name: The model's name; its manifest has an explanation, and it is packed.
            row: Shape (n_inputs,), float32.

        Returns:
            The reasons, in the order of the manifest's groups.

        Raises:
            ModelNotFound: No such model, or none that can be explained.
            ModelNotReady: It is not loaded yet.
        """
        manifest = self.predictor(name).manifest
        explainer = self._explainers.get(name)
        if explainer is None or manifest.explanation is None:
            raise ModelNotFound
        names = (group.name for group in manifest.explanation.groups)
        return Reasons(explainer.base_value, tuple(zip(names, explainer.contributions(row).tolist(), strict=True)))


def _explainer(predictor: Predictor, packed: str, explanation: Explanation) -> ShapleyExplainer:
    column = {declared.name: number for number, declared in enumerate(predictor.manifest.inputs)}
    return ShapleyExplainer(
        [[column[name] for name in group.inputs] for group in explanation.groups],
        pack(predictor.manifest, explanation.background)[packed],
        lambda rows: predictor.predict({packed: rows})[explanation.output],
    )
