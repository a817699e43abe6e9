"""Converts a booster's trees to one ONNX TreeEnsembleRegressor node."""

import json
from typing import Any

import numpy as np
import xgboost as xgb
from onnx import NodeProto, helper


def tree_node(booster: xgb.Booster, inputs: str, sums: str) -> NodeProto:
    """Convert all trees of all targets to one node, as few nodes are fastest for a single row.

    XGBoost goes left where value < condition, and where ``default_left`` says so if the value is missing.

    Args:
        booster: A booster with one or more targets.
        inputs: Name of the node's input, shape (n_rows, n_features), float32.
        sums: Name of the node's output, shape (n_rows, n_targets), float32.
    """
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    base = json.loads(learner["learner_model_param"]["base_score"])
    model = learner["gradient_booster"]["model"]
    columns = _Columns()
    for number, (tree, target) in enumerate(zip(model["trees"], model["tree_info"], strict=True)):
        columns.add(number, tree, target)
    node = helper.make_node("TreeEnsembleRegressor", [inputs], [sums], domain="ai.onnx.ml", name="trees")
    attributes = {
        "n_targets": len(base),
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "base_values": [float(np.float32(value)) for value in base],
        **columns.attributes,
    }
    node.attribute.extend(helper.make_attribute(name, attributes[name]) for name in sorted(attributes))
    return node


class _Columns:
    """The node's attributes: parallel lists with one entry for each tree node, and with one for each leaf."""

    def __init__(self) -> None:
        self.attributes: dict[str, list[Any]] = {
            name: []
            for name in (
                "nodes_treeids",
                "nodes_nodeids",
                "nodes_featureids",
                "nodes_values",
                "nodes_modes",
                "nodes_truenodeids",
                "nodes_falsenodeids",
                "nodes_missing_value_tracks_true",
                "target_treeids",
                "target_nodeids",
                "target_ids",
                "target_weights",
            )
        }

    def _row(self, prefix: str, **values: Any) -> None:
        for name, value in values.items():
            self.attributes[f"{prefix}_{name}"].append(value)

    def add(self, number: int, tree: dict[str, Any], target: int) -> None:
        """Add a tree of XGBoost's JSON document."""
        for node, left in enumerate(tree["left_children"]):
            leaf = left == -1
            value = tree["split_conditions"][node]
            self._row(
                "nodes",
                treeids=number,
                nodeids=node,
                modes="LEAF" if leaf else "BRANCH_LT",
                featureids=0 if leaf else tree["split_indices"][node],
                values=0.0 if leaf else value,
                truenodeids=0 if leaf else left,
                falsenodeids=0 if leaf else tree["right_children"][node],
                missing_value_tracks_true=0 if leaf else tree["default_left"][node],
            )
            if leaf:
                self._row("target", treeids=number, nodeids=node, ids=target, weights=value)
