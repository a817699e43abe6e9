"""A trained beer model: an ensemble and its prediction intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.boosting import margins
from training.conformal import Bound, Ends, calibrate, distances, distances_to, spread_of
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
        values = self.ensemble.ibu(features, sums)
        ibu = values[0]
        least, most = _between(parameters, _ends(parameters, values), (self.lower, self.upper), ibu)
        found = {"ibu": ibu, "lower": least, "upper": most}
        if not self.further:
            return found
        ends = _further_ends(parameters, values)
        for coverage, bounds in sorted(zip(parameters.further, self.further, strict=True), reverse=True):
            lower, upper = _between(parameters, ends, bounds, ibu)
            if parameters.least_spread is None:  # otherwise a narrower interval is inside a wider one anyway
                least, most = lower, upper = np.maximum(lower, least), np.minimum(upper, most)
            found.update(zip(bounds_of(coverage), (lower, upper), strict=True))
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


def _between(parameters: Parameters, ends: Ends, bounds: tuple[Bound, Bound], ibu: Array) -> tuple[Array, Array]:
    """Return an interval's bounds, the prediction between them."""
    lower, upper = bounds
    below, above = ends.distance or (None, None)
    most = upper.at(ends.high, above)
    if parameters.most_upper is not None:
        most = np.minimum(most, parameters.most_upper)
    return np.minimum(lower.at(ends.low, below), ibu), np.maximum(most, ibu)


def _ends(parameters: Parameters, values: Sequence[Array]) -> Ends:
    """Return what the bounds of the interval are moved from, and by."""
    if parameters.least_spread is None:
        return Ends(values[min(1, len(values) - 1)], values[-1], None)
    centre, low, high = values
    spread = spread_of(low, high, parameters.score, parameters.least_spread)
    return Ends(centre, centre, distances(centre, spread))


def _further_ends(parameters: Parameters, values: Sequence[Array]) -> Ends:
    """Return what the bounds of the further intervals are moved from, and by.

    Quantiles that are shifted inwards would leave the prediction outside. So the prediction is moved by a part of its
    distance from them.
    """
    if parameters.least_spread is not None or not parameters.quantiles:
        return _ends(parameters, values)
    centre, low, high = values
    return Ends(centre, centre, distances_to(centre, low, high, parameters.score))


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
    values = [np.stack(of_target) for of_target in zip(*splits, strict=True)]

    def bounds(coverage: float, ends: Ends) -> tuple[Bound, Bound]:
        return calibrate(data.labels, ends, coverage, parameters.score, parameters.two_sided)

    further = _further_ends(parameters, values)
    return Model(
        ensemble,
        *bounds(parameters.coverage, _ends(parameters, values)),
        tuple(bounds(coverage, further) for coverage in parameters.further),
    )


def _out_of_fold(spec: Spec, parameters: Parameters, data: Data, seed: int, number_of_split: int) -> Array:
    """Return centre and quantiles, shape (n_targets, n_rows), each row's by a model that did not see its group."""
    fold = split(data.groups, parameters.calibration_folds, [seed, number_of_split])
    targets: tuple[Boosting, ...] = (parameters.centre, *parameters.quantiles)
    found = np.empty((len(targets), len(data.labels)), np.float32)
    for number in range(parameters.calibration_folds):
        held = fold == number
        ensemble = train(
            spec, parameters, data.where(~held), targets, seed + number_of_split, parameters.calibration_seeds
        )
        found[:, held] = ensemble.values(data.inputs[held])
    return found
