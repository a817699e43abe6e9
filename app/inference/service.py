"""The inference service: the one way in to models."""

from collections.abc import Iterable

from app.bundle.manifest import Manifest
from app.errors import ModelNotFound, ModelNotReady
from app.inference.predictor import Array, Arrays, Predictor


class InferenceService:
    """Finds a model by name and runs it. Every door calls it."""

    def __init__(self, names: Iterable[str]) -> None:
        """Args:
        names: The models that are to be served; each answers once `serve` has been given its predictor.
        """
        self._predictors: dict[str, Predictor | None] = dict.fromkeys(names)

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
        self._predictors[predictor.manifest.name] = predictor

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
        return predictor.manifest, predictor.predict(inputs)
