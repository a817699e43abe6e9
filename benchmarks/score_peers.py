"""Scores a file as people do without this program: pandas with XGBoost's own predict, or MLflow's pyfunc.

score_peers.py xgboost|mlflow --train FOLDER     write boosters
score_peers.py xgboost|mlflow FILE FOLDER        score a file of beers with them
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import xgboost

FEATURES = ["abv", "target_og", "target_fg", "ph", "abv_residual"]
TARGETS = {"ibu": (60, 3), "lower": (80, 2), "upper": (80, 2)}
"""Number and depth of the trees of each output, as in version 2 of `beer-ibu`."""


def features_of(beers: pandas.DataFrame) -> pandas.DataFrame:
    """Compute the features of the model."""
    residual = beers["abv"] - 0.13125 * (beers["target_og"] - beers["target_fg"])
    return beers.assign(abv_residual=residual)[FEATURES].astype("float32")


def train(mode: str, folder: Path) -> None:
    """Write a booster for each output."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(1)
    beers = pandas.DataFrame(
        {
            "abv": random.uniform(3, 9, 5_000),
            "target_og": random.uniform(1030, 1090, 5_000),
            "target_fg": random.uniform(1004, 1020, 5_000),
            "ph": random.uniform(4.2, 4.6, 5_000),
        }
    )
    for name, (rounds, depth) in TARGETS.items():
        label = 40 + 5 * beers["abv"] + random.normal(0, 10, len(beers))
        data = xgboost.DMatrix(features_of(beers), label)
        booster = xgboost.train({"max_depth": depth, "eta": 0.1, "nthread": 1}, data, rounds)
        if mode == "xgboost":
            booster.save_model(folder / f"{name}.ubj")
        else:
            import shutil

            import mlflow.xgboost

            shutil.rmtree(folder / name, ignore_errors=True)
            mlflow.xgboost.save_model(booster, folder / name)


def score(mode: str, path: Path, folder: Path) -> None:
    """Score a file."""
    beers = pandas.read_csv(path) if path.suffix == ".csv" else pandas.read_parquet(path)
    features = features_of(beers)
    result = pandas.DataFrame({"id": beers["id"]})
    for name in TARGETS:
        if mode == "xgboost":
            booster = xgboost.Booster({"nthread": 1}, model_file=folder / f"{name}.ubj")
            result[name] = booster.inplace_predict(features)
        else:
            import mlflow.pyfunc

            model: Any = mlflow.pyfunc.load_model(str(folder / name))
            result[name] = model.predict(features)
    result.to_parquet(folder / "out.parquet")


if __name__ == "__main__":
    _, mode, first, folder = sys.argv
    if first == "--train":
        train(mode, Path(folder))
    elif first == "--check":
        if mode == "mlflow":
            importlib.import_module("mlflow.xgboost")
    else:
        score(mode, Path(first), Path(folder))
