"""The distribution of the rows trained on, for the manifest; the service compares requests with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from app.bundle.distribution import PERCENTILES, bins_of, count_bins
from app.bundle.manifest import Input

WIDTH = "interval_width"
"""Name of the interval's width among the answers."""
_DECIMALS = 4


def distribution(
    inputs: Sequence[Input], rows: npt.NDArray[Any], answers: Mapping[str, npt.NDArray[Any]]
) -> dict[str, Any]:
    """Describe the distribution of rows and of a model's answers to them.

    Args:
        inputs: Declared inputs; those without deciles are left out.
        rows: Their values, NaN where missing, shape (n_rows, n_inputs).
        answers: The model's answers by name, each of shape (n_rows,).

    Returns:
        For `app.bundle.distribution.distribution_of`.
    """
    figures: dict[str, Any] = {}
    for declared, values in zip(inputs, rows.T, strict=True):
        if declared.deciles:
            counts = count_bins(bins_of(declared)[0], values)
            figures[declared.name] = {
                "missing": round(float(np.isnan(values).mean()), _DECIMALS),
                "shares": [round(float(share), _DECIMALS) for share in counts / counts.sum()],
            }
    inner = np.arange(1, PERCENTILES + 1) / (PERCENTILES + 1)
    percentiles = {
        name: [round(float(value), 2) for value in np.quantile(values.astype(np.float64), inner)]
        for name, values in answers.items()
    }
    return {"inputs": figures, "answers": percentiles}


def answers_of(outputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Return the answers whose distribution is described: the first output, and the interval's width if there is one.

    Args:
        outputs: The graph's outputs by name, in the manifest's order, each of shape (n_rows, 1).
    """
    name, first = next(iter(outputs.items()))
    answers = {name: first.ravel()}
    if {"lower", "upper"} <= outputs.keys():
        answers[WIDTH] = (outputs["upper"] - outputs["lower"]).ravel()
    return answers
