"""A trained beer model: an ensemble and its prediction intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.boosting import margins
from training.conformal import Bound, calibrate, spread_of
from training.ensemble import Ensemble, train
from training.folds import split
from training.spec import Array, Boosting, Columns, Data, Parameters, Spec, feature_matrix, named

OUTPUTS = ("ibu", "lower", "upper")


def bounds_of(coverage: float) -> tuple[str, str]:
    """Return the names of the outputs of a further interval, such as ``lower_80`` and ``upper_80``."""
    return f"lower_{round(100 * coverage)}", f"upper_{round(100 * coverage)}"


def outputs_of(parameters: Parameters) -> tuple[str, ...]:
    """Return the names of all outputs: those of `OUTPUTS`, then the bounds of the further intervals."""
    return (*OUTPUTS, *(name for coverage in parameters.further for name in bounds_of(coverage)))


@dataclass(frozen=True)
class Model:
    """A trained model; the ONNX graph contains all of it."""

    ensemble: Ensemble
    """Targets: the centre, then the lower and the upper quantile where they have trees of their own."""
    lower: Bound
    upper: Bound
    further: tuple[tuple[Bound, Bound], ...] = ()
    """Bounds of the further intervals, in the order of their coverages."""

    def answer(self, features: Columns, sums: Sequence[Array]) -> dict[str, Array]:
        """Convert the trees' sums to the declared outputs. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            features: The spec's features.
            sums: The booster's margins, a column a target.
        """
        parameters = self.ensemble.parameters
        low, high, spread = _ends(parameters, values := self.ensemble.ibu(features, sums))
        found = {"ibu": (ibu := values[0])}
        names = [OUTPUTS[1:], *map(bounds_of, parameters.further)]
        for (low_name, high_name), (lower, upper) in zip(names, [(self.lower, self.upper), *self.further], strict=True):
            found[low_name] = np.minimum(lower.at(low, spread), ibu)
            found[high_name] = np.maximum(upper.at(high, spread), ibu)
        return found

    def predict(self, inputs: Array, names: Sequence[str] = OUTPUTS) -> Array:
        """Predict IBU and its interval.

        Args:
            inputs: Declared inputs, shape (n_rows, n_inputs), float32, NaN where missing.
            names: Outputs to return.

        Returns:
            shape (n_rows, n_names), float32; finite, 0 <= lower <= ibu <= upper.
        """
        spec, parameters = self.ensemble.spec, self.ensemble.parameters
        sums = margins(self.ensemble.booster, feature_matrix(spec, parameters, inputs))
        found = self.answer(spec.features(named(spec, inputs)), list(sums.T))
        return np.column_stack([found[name] for name in names]).astype(np.float32, copy=False)


def _ends(parameters: Parameters, values: Sequence[Array]) -> tuple[Array, Array, Array | None]:
    """Return what the bounds are moved from, and the spread."""
    if parameters.least_spread is None:
        return values[min(1, len(values) - 1)], values[-1], None
    centre, low, high = values
    return centre, centre, spread_of(low, high, parameters.score, parameters.least_spread)


def fit(spec: Spec, parameters: Parameters, data: Data, seed: int) -> Model:
    """Train on all rows, and calibrate the intervals by grouped out-of-fold predictions within these rows.

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
    low, high, spread = (np.stack(column) for column in zip(*splits, strict=True))

    def bounds(coverage: float) -> tuple[Bound, Bound]:
        scales = spread if parameters.least_spread else None
        return calibrate(data.labels, low, high, coverage, parameters.score, parameters.two_sided, scales)

    return Model(ensemble, *bounds(parameters.coverage), tuple(map(bounds, parameters.further)))


def _out_of_fold(
    spec: Spec, parameters: Parameters, data: Data, seed: int, number_of_split: int
) -> tuple[Array, Array, Array]:
    """Return what both bounds are moved from, and the spread, each row's by a model that did not see its group."""
    fold = split(data.groups, parameters.calibration_folds, [seed, number_of_split])
    targets: tuple[Boosting, ...] = (parameters.centre, *parameters.quantiles)
    if parameters.least_spread is None:
        targets = parameters.quantiles or (parameters.centre,)
    low, high, spread = (np.empty_like(data.labels) for _ in range(3))
    for number in range(parameters.calibration_folds):
        held = fold == number
        ensemble = train(
            spec, parameters, data.where(~held), targets, seed + number_of_split, parameters.calibration_seeds
        )
        values = ensemble.values(data.inputs[held])
        if parameters.least_spread is None:
            low[held], high[held] = values[0], values[-1]
        else:
            low[held], high[held], spread[held] = _ends(parameters, values)
    return low, high, spread
