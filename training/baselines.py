"""Baselines, fitted on the same folds as the model: median, linear, saturation curves, plain XGBoost."""

from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from training.arrays import Array

_SCALES = np.geomspace(2.0, 2000.0, 241)


def median(_: Array, labels: Array, test: Array) -> Array:
    """Predict the median of the training labels."""
    return np.full(len(test), np.median(labels), dtype=np.float32)


def linear(train: Array, labels: Array, test: Array) -> Array:
    """Predict by least squares on standardised inputs; missing values are replaced by the mean."""
    model = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), LinearRegression())
    model.fit(train.astype(np.float64), labels.astype(np.float64))
    return np.asarray(model.predict(test.astype(np.float64)), dtype=np.float32)


@dataclass(frozen=True)
class Curve:
    """The curve a (1 - exp(-(OG - 1000) / b)), by least squares: a in closed form, b on a fixed grid."""

    column: int
    """Index of the original gravity, in points, among the inputs."""

    def __call__(self, train: Array, labels: Array, test: Array) -> Array:
        """Fit and predict."""
        fits = []
        for scale in _SCALES:
            rise = self._rise(train, float(scale))
            height = float(rise @ labels / max(float(rise @ rise), 1e-9))
            fits.append((float(np.square(labels - height * rise).sum()), height, float(scale)))
        _, height, scale = min(fits)
        predicted: Array = self._rise(test, scale) * np.float32(height)
        return predicted

    def _rise(self, inputs: Array, scale: float) -> Array:
        rise: Array = 1 - np.exp(-np.maximum(inputs[:, self.column] - 1000.0, 0.0) / np.float32(scale))
        return rise


@dataclass(frozen=True)
class PlainXGBoost:
    """500 trees of depth 3, XGBoost's defaults otherwise: the model of earlier versions."""

    eta: float = 0.3
    rounds: int = 500

    def __call__(self, train: Array, labels: Array, test: Array) -> Array:
        """Fit and predict."""
        settings = {"max_depth": 3, "eta": self.eta, "nthread": 1, "seed": 0}
        booster = xgb.train(settings, xgb.DMatrix(train, labels, nthread=1), self.rounds)
        return np.asarray(booster.inplace_predict(test), dtype=np.float32)
