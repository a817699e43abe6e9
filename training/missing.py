"""Held-out figures of a model where a request does not tell everything: by pattern of what is missing."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from training.arrays import Array
from training.spec import Data, Spec

VARIETIES = "varieties"
"""The fact that the hops' varieties are known; without it, every hop has the assumed alpha acid."""
Pattern = tuple[str, ...]
"""Missing fields, in alphabetical order."""


def patterns(spec: Spec) -> list[Pattern]:
    """List all subsets of what a request may leave out, the empty one first.

    Args:
        spec: The model.
    """
    facts = sorted([*spec.facts, *([VARIETIES] if spec.nameless else [])])
    return [chosen for size in range(len(facts) + 1) for chosen in combinations(facts, size)]


def without(spec: Spec, data: Data, pattern: Pattern) -> Array:
    """Make the inputs of rows that do not tell some fields.

    Args:
        spec: The model.
        data: The rows.
        pattern: Missing fields.

    Returns:
        shape (n_rows, n_inputs).
    """
    inputs = data.nameless if VARIETIES in pattern and data.nameless is not None else data.inputs
    return blanked(spec, inputs, tuple(name for field in pattern for name in spec.facts.get(field, ())))


def blanked(spec: Spec, inputs: Array, columns: tuple[str, ...]) -> Array:
    """Set some inputs to missing.

    Args:
        spec: The model.
        inputs: shape (n_rows, n_inputs).
        columns: Names of the inputs to set to NaN.
    """
    missing = np.array([column.name in columns for column in spec.inputs])
    return np.where(missing, np.float32(np.nan), inputs)


def listed(figures: Mapping[Pattern, Mapping[str, float]]) -> list[dict[str, object]]:
    """Return the figures as a list for the manifest: the missing ``fields``, and the figures."""
    kept = ("mae", "coverage", "width", "interval_score")
    return [{"fields": list(pattern), **{name: found[name] for name in kept}} for pattern, found in figures.items()]
