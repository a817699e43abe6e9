"""Trend and trees of one or more targets: from declared inputs to values in IBU, before calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xgboost as xgb

from training.boosting import grow, margins, merge
from training.spec import Array, Boosting, Columns, Data, Parameters, Spec, feature_matrix, named
from training.trend import HopCurve, Trend


@dataclass(frozen=True)
class Ensemble:
    """Targets trained together."""

    spec: Spec
    parameters: Parameters
    targets: tuple[Boosting, ...]
    boosters: tuple[tuple[xgb.Booster, ...], ...]
    """Boosters of each target, which are averaged."""
    trend: Trend | HopCurve | None
    """The curve under the trees, if a target uses it."""

    @cached_property
    def booster(self) -> xgb.Booster:
        """One booster with a margin for each target."""
        return merge(self.boosters, self.parameters.features)

    def ibu(self, features: Columns, sums: Sequence[Array]) -> list[Array]:
        """Convert the trees' sums to IBU. Numpy arithmetic only, as it is traced into the ONNX graph.

        Args:
            features: The spec's features.
            sums: The booster's margins, one column for each target.

        Returns:
            One column for each target except the fallback, at least 0 and at most the ceiling.
        """
        if self.trend and self.spec.trend:
            kind = self.spec.trend
            risen = kind.values(features[kind.column], self.trend)
            sums = [
                kind.add(risen, column) if target.trend else column
                for column, target in zip(sums, self.targets, strict=True)
            ]
        if self.parameters.fallback in self.targets and self.spec.told:
            *sums, fallback = sums
            sums[0] = np.where(np.isnan(features[self.spec.told]), fallback, sums[0])
        values = [self.parameters.target.ibu(column) for column in sums]
        if self.spec.ceiling is None or not self.parameters.ceiling:
            return values
        ceiling = self.spec.ceiling(features)
        return [np.minimum(column, ceiling) for column in values]

    def values(self, inputs: Array) -> list[Array]:
        """Compute the targets' values.

        Args:
            inputs: Declared inputs, shape (n_rows, n_inputs).

        Returns:
            One column for each target, shape (n_rows,), IBU.
        """
        features = feature_matrix(self.spec, self.parameters, inputs)
        if all(len(averaged) == 1 for averaged in self.boosters):  # the same sums, without the time that merging takes
            sums = [margins(booster, features)[:, 0] for (booster,) in self.boosters]
        else:
            sums = list(margins(self.booster, features).T)
        return self.ibu(self.spec.features(named(self.spec, inputs)), sums)


def train(
    spec: Spec, parameters: Parameters, data: Data, targets: tuple[Boosting, ...], seed: int, seeds: int
) -> Ensemble:
    """Train targets on all rows.

    Args:
        spec: The model.
        parameters: Features and scale.
        data: The rows.
        targets: The targets.
        seed: Seed of the samples.
        seeds: Boosters averaged for each target.
    """
    features = feature_matrix(spec, parameters, data.inputs)
    scaled = parameters.target.of(data.labels)
    trend, risen = None, np.zeros_like(scaled)
    if spec.trend and any(boosting.trend for boosting in targets):
        if parameters.target.kind != spec.trend.scale:
            raise ValueError(f"the curve is on the scale {spec.trend.scale}: so must the target be")
        along = spec.features(named(spec, data.inputs))[spec.trend.column]
        trend = spec.trend.fit(along, data.labels)
        risen = spec.trend.values(along, trend)
    boosters = []
    for boosting in targets:
        target = (scaled - risen if boosting.trend else scaled).astype(np.float32)
        monotone = [spec.monotone.get(name, 0) if boosting.monotone else 0 for name in parameters.features]
        left_out = np.array([name in boosting.without for name in parameters.features])
        seen = np.where(left_out, np.float32(0), features)  # trees do not split a constant
        boosters.append(tuple(grow(seen, target, boosting, monotone, 1000 * seed + n) for n in range(seeds)))
    return Ensemble(spec, parameters, targets, tuple(boosters), trend)
