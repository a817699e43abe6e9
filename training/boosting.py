"""Boosted trees: an asymmetric pseudo-Huber loss, and merging many boosters into one.

XGBoost's absolute and quantile losses re-fit the leaves of a grown tree and so break monotone constraints. A smooth
loss, given as gradient and curvature, keeps them.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost as xgb

from training.spec import Array, Boosting

Objective = Callable[[npt.NDArray[Any], xgb.DMatrix], tuple[npt.NDArray[Any], npt.NDArray[Any]]]


def asymmetric_huber(target: Array, delta: float, level: float) -> Objective:
    """Return the loss: about |r| for residuals above ``delta``, square below, weighed 2 level : 2 (1 - level) by sign.

    Pseudo-Huber (Charbonnier et al. 1997) with the curvature of its majorising parabola, w = 1 / sqrt(1 + (r/delta)^2):
    gradient w r, so that each leaf is one step of iteratively reweighted least squares.

    Args:
        target: shape (n_rows,).
        delta: Residual where the loss turns from square to absolute, in the target's unit.
        level: Quantile that the loss estimates.
    """

    def objective(margin: npt.NDArray[Any], _: xgb.DMatrix) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        residual = margin - target
        weight = np.where(residual > 0, 2 * (1 - level), 2 * level) / np.sqrt(1 + np.square(residual / delta))
        return weight * residual, weight

    return objective


def grow(features: Array, target: Array, boosting: Boosting, monotone: Sequence[int], seed: int) -> xgb.Booster:
    """Grow one booster; single-threaded and deterministic.

    Args:
        features: shape (n_rows, n_features), NaN where missing.
        target: shape (n_rows,).
        boosting: Hyper-parameters.
        monotone: 1, 0 or -1 for each feature.
        seed: Seed of the row and column samples.
    """
    settings = {
        "nthread": 1,
        "seed": seed,
        "disable_default_eval_metric": 1,
        "base_score": float(np.quantile(target, boosting.level)),
        "monotone_constraints": f"({','.join(map(str, monotone))})",
        **boosting.model_dump(exclude={"level", "loss", "rounds", "delta", "trend", "monotone", "without"}),
    }
    data = xgb.DMatrix(features, target, nthread=1)
    if boosting.loss == "quantile":
        settings |= {"objective": "reg:quantileerror", "quantile_alpha": boosting.level}
        return xgb.train(settings, data, boosting.rounds)
    return xgb.train(settings, data, boosting.rounds, obj=asymmetric_huber(target, boosting.delta, boosting.level))


def merge(targets: Sequence[Sequence[xgb.Booster]], names: Sequence[str]) -> xgb.Booster:
    """Merge boosters into one; each target is the mean over its boosters.

    XGBoost predicts base score + sum of leaves, target by target; so the trees of all boosters go into one document,
    leaves divided by the number of boosters of their target.

    Args:
        targets: Boosters by target.
        names: Names of the features.

    Returns:
        One booster whose margin has shape (n_rows, n_targets), or (n_rows,) for one target.
    """
    documents = [[json.loads(bytes(booster.save_raw("json"))) for booster in boosters] for boosters in targets]
    trees: list[dict[str, Any]] = []
    of_target: list[int] = []
    for index, boosters in enumerate(documents):
        for document in boosters:
            for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
                trees.append(_scaled(tree, len(trees), 1 / len(boosters)))
                of_target.append(index)
    whole = documents[0][0]
    whole["learner"]["feature_names"] = list(names)
    whole["learner"]["feature_types"] = ["float"] * len(names)
    whole["learner"]["learner_model_param"]["num_target"] = str(len(targets))
    base = [np.mean([_base(document) for document in boosters]) for boosters in documents]
    whole["learner"]["learner_model_param"]["base_score"] = json.dumps([float(np.float32(value)) for value in base])
    model = whole["learner"]["gradient_booster"]["model"]
    model.update(trees=trees, tree_info=of_target, iteration_indptr=[0, len(trees)])
    model["gbtree_model_param"]["num_trees"] = str(len(trees))
    return xgb.Booster({"nthread": 1}, model_file=bytearray(json.dumps(whole).encode()))


def _scaled(tree: dict[str, Any], index: int, factor: float) -> dict[str, Any]:
    leaves = [child == -1 for child in tree["left_children"]]
    scaled = {
        name: [
            float(np.float32(value * factor)) if leaf else value for value, leaf in zip(tree[name], leaves, strict=True)
        ]
        for name in ("split_conditions", "base_weights")
    }  # both hold a leaf's value
    return {**tree, **scaled, "id": index}


def _base(document: dict[str, Any]) -> float:
    score: float = json.loads(document["learner"]["learner_model_param"]["base_score"])[0]
    return score


def margins(booster: xgb.Booster, features: Array) -> Array:
    """Compute the booster's sums of leaves.

    Args:
        booster: From `merge`.
        features: shape (n_rows, n_features), in order.

    Returns:
        shape (n_rows, n_targets), float32.
    """
    sums = np.asarray(booster.inplace_predict(features, predict_type="margin", validate_features=False))
    return sums.reshape(len(features), -1).astype(np.float32, copy=False)
