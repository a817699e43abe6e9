"""Whether rows may be answered together: whether a model's last bits depend on how many rows it answers at once.

Sums of trees do not depend on it. Logarithms and sums over support vectors may, because a processor computes several
numbers at once in another way than a single one.
"""

import numpy as np

from app.models.loaded import LoadedModel
from app.runtime.golden import pack
from app.runtime.predictor import Array, Arrays, Predictor

SAMPLE = 1000
"""Number of random rows that show it. With one plain logarithm in a graph, about one row in fifty did."""
_SEED = 19


class OneByOne(Predictor):
    """Runs a model separately for each row, as for separate requests."""

    def __init__(self, predictor: Predictor) -> None:
        """Create the predictor.

        Args:
            predictor: Runs the model.
        """
        super().__init__(predictor.manifest)
        self._predictor = predictor

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """See `Predictor.predict`."""
        ((name, rows),) = inputs.items()
        if len(rows) == 1:
            return self._predictor.predict(inputs, timeout)
        each = [self._predictor.predict({name: rows[index : index + 1]}, timeout) for index in range(len(rows))]
        return {output.name: np.concatenate([one[output.name] for one in each]) for output in self.manifest.outputs}


def make_steady(loaded: LoadedModel) -> bool:
    """Make a version run each row separately if its answers depend on the number of rows in a run.

    Args:
        loaded: A version of a model whose inputs are packed in one tensor; it must not be in use elsewhere.

    Returns:
        Whether it need not.
    """
    if is_steady(loaded):
        return True
    loaded.predictor = OneByOne(loaded.predictor)
    return False


def is_steady(loaded: LoadedModel) -> bool:
    """Return whether the answer to a row is the same to the last bit, whatever rows are answered with it.

    Args:
        loaded: A version of a model whose inputs are packed in one tensor.

    Returns:
        Whether the golden rows and random rows within the trained ranges are answered alike alone and together.
    """
    packed = loaded.manifest.packed
    if packed is None:
        return False
    rows = sample_of(loaded, packed)
    together = loaded.what_if({packed: rows})
    for index in range(len(rows)):
        alone = loaded.what_if({packed: rows[index : index + 1]})
        if any(not np.array_equal(alone[name][0], together[name][index], equal_nan=True) for name in alone):
            return False
    return True


def sample_of(loaded: LoadedModel, packed: str) -> Array:
    """Return the golden rows of a model and random rows, shape (n_rows, n_inputs), float32.

    Args:
        loaded: A version of the model.
        packed: Name of the tensor of its inputs.
    """
    return np.concatenate([pack(loaded.manifest, loaded.manifest.golden.inputs)[packed], _random(loaded)])


def _random(loaded: LoadedModel) -> Array:
    generator = np.random.default_rng(_SEED)
    columns = []
    for declared in loaded.manifest.inputs:
        low, high = declared.trained_range or (0.0, 1.0)
        column = generator.uniform(low, high, SAMPLE)
        if declared.optional:
            column[generator.random(SAMPLE) < 0.2] = np.nan
        columns.append(column)
    return np.array(columns, np.float32).T
