"""Trend and trees of one or more targets: from declared inputs to values in IBU, without an interval yet."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xgboost as xgb

from training.boosting import grow, margins, merge
from training.spec import Array, Boosting, Columns, Data, Parameters, Spec, feature_matrix, named
from training.trend import Trend, fit_trend, trend_values


@dataclass(frozen=True)
class Ensemble:
    """Targets trained together."""

    spec: Spec
    parameters: Parameters
    targets: tuple[Boosting, ...]
    booster: xgb.Booster
    """One booster with a margin for each target."""
    trend: Trend

    def ibu(self, features: Columns, sums: Sequence[Array]) -> list[Array]:
        """From the trees' sums to IBU; numpy arithmetic only, for it is traced into the ONNX graph.

        Args:
            features: The spec's features.
            sums: The booster's margins, a column a target.

        Returns:
            A column a target, not below 0.
        """
        if any(target.trend for target in self.targets):
            risen = trend_values(features[self.spec.trend_column], self.trend)
            sums = [column + risen if target.trend else column
                    for column, target in zip(sums, self.targets, strict=True)]
        offset = self.parameters.log_offset
        return [np.maximum(column if offset is None else np.exp(column) - offset, 0.0) for column in sums]

    def values(self, inputs: Array) -> list[Array]:
        """The targets' values.

        Args:
            inputs: Declared inputs, shape (n_rows, n_inputs).

        Returns:
            A column a target, shape (n_rows,), IBU.
        """
        sums = margins(self.booster, feature_matrix(self.spec, self.parameters, inputs))
        return self.ibu(self.spec.features(named(self.spec, inputs)), list(sums.T))


def train(spec: Spec, parameters: Parameters, data: Data, targets: tuple[Boosting, ...], seed: int,
          seeds: int) -> Ensemble:
    """Train these targets on all rows.

    Args:
        spec: The model.
        parameters: Features and scale.
        data: The rows.
        targets: What to train.
        seed: Seed of the samples.
        seeds: Boosters averaged for each target.
    """
    features = feature_matrix(spec, parameters, data.inputs)
    gravity = spec.features(named(spec, data.inputs))[spec.trend_column]
    trend = fit_trend(gravity, data.labels)
    offset = parameters.log_offset
    scaled = data.labels if offset is None else np.log(data.labels + np.float32(offset))
    boosters = []
    for boosting in targets:
        target = (scaled - trend_values(gravity, trend) if boosting.trend else scaled).astype(np.float32)
        monotone = [spec.monotone.get(name, 0) if boosting.monotone else 0 for name in parameters.features]
        boosters.append([grow(features, target, boosting, monotone, 1000 * seed + n) for n in range(seeds)])
    return Ensemble(spec, parameters, targets, merge(boosters, parameters.features), trend)
