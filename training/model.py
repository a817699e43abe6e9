"""A trained beer model: an ensemble and its prediction interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.boosting import margins
from training.conformal import Bound, calibrate
from training.ensemble import Ensemble, train
from training.folds import split
from training.spec import Array, Columns, Data, Parameters, Spec, feature_matrix, named

OUTPUTS = ("ibu", "lower", "upper")


@dataclass(frozen=True)
class Model:
    """A trained model; the ONNX graph contains all of it."""

    ensemble: Ensemble
    """Targets: the centre, then the lower and the upper quantile where they have trees of their own."""
    lower: Bound
    upper: Bound

    def answer(self, features: Columns, sums: Sequence[Array]) -> dict[str, Array]:
        """Convert the trees' sums to the declared outputs. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            features: The spec's features.
            sums: The booster's margins, a column a target.
        """
        values = self.ensemble.ibu(features, sums)
        ibu, low, high = values[0], values[min(1, len(values) - 1)], values[-1]
        return {
            "ibu": ibu,
            "lower": np.minimum(self.lower.at(low), ibu),
            "upper": np.maximum(self.upper.at(high), ibu),
        }

    def predict(self, inputs: Array) -> Array:
        """Predict IBU and its interval.

        Args:
            inputs: Declared inputs, shape (n_rows, n_inputs), float32, NaN where missing.

        Returns:
            shape (n_rows, 3), float32: ibu, lower, upper; finite, 0 <= lower <= ibu <= upper.
        """
        spec, parameters = self.ensemble.spec, self.ensemble.parameters
        sums = margins(self.ensemble.booster, feature_matrix(spec, parameters, inputs))
        found = self.answer(spec.features(named(spec, inputs)), list(sums.T))
        return np.column_stack([found[name] for name in OUTPUTS]).astype(np.float32, copy=False)


def fit(spec: Spec, parameters: Parameters, data: Data, seed: int) -> Model:
    """Train on all rows, and calibrate the interval by grouped out-of-fold predictions within these rows.

    Args:
        spec: The model.
        parameters: How it is trained.
        data: The rows.
        seed: Seed of samples and folds.

    Raises:
        DataError: If there are too few groups for the folds.
    """
    ensemble = train(spec, parameters, data, parameters.targets, seed, parameters.seeds)
    splits = [_out_of_fold(spec, parameters, data, seed, number) for number in range(parameters.calibration_splits)]
    low, high = (np.stack(bound) for bound in zip(*splits, strict=True))
    return Model(
        ensemble, *calibrate(data.labels, low, high, parameters.coverage, parameters.score, parameters.two_sided)
    )


def _out_of_fold(
    spec: Spec, parameters: Parameters, data: Data, seed: int, number_of_split: int
) -> tuple[Array, Array]:
    """Return the predictions for both bounds, each row's by a model that did not see its group."""
    fold = split(data.groups, parameters.calibration_folds, [seed, number_of_split])
    targets = parameters.quantiles or (parameters.centre,)
    low, high = np.empty_like(data.labels), np.empty_like(data.labels)
    for number in range(parameters.calibration_folds):
        held = fold == number
        ensemble = train(
            spec, parameters, data.where(~held), targets, seed + number_of_split, parameters.calibration_seeds
        )
        values = ensemble.values(data.inputs[held])
        low[held], high[held] = values[0], values[-1]
    return low, high
