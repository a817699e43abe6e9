"""Recent requests, from the service's records: how their beers differ from the training data."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from app.records.reading import Record
from training.arrays import Array
from training.spec import Spec

MAX_ROWS = 100_000
"""Maximum number of rows; if there are more, the latest."""


@dataclass(frozen=True)
class Recent:
    """Inputs of recorded rows."""

    inputs: Array
    """shape (n_rows, n_inputs), NaN where missing or not an input of the version that answered."""


def recent_inputs(spec: Spec, records: Iterable[Record]) -> Recent:
    """Collect the inputs of a model's recorded rows.

    Args:
        spec: The model.
        records: The records, the earliest first.
    """
    names = [column.name for column in spec.inputs]
    rows: list[list[float]] = []
    for record in records:
        if record.model == spec.name:
            rows.append([record.inputs.get(name, np.nan) for name in names])
            if len(rows) >= 2 * MAX_ROWS:
                del rows[:MAX_ROWS]
    return Recent(np.array(rows[-MAX_ROWS:], np.float32).reshape(-1, len(names)))
