"""The predictor: a verified, loaded bundle."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Golden, Input, Manifest, Synthetic, Tensor
from app.errors import BundleError
from app.runtime.synthetic import drawn

Array = NDArray[Any]
Arrays = Mapping[str, Array]

_DTYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
}


class Predictor(ABC):
    """Arrays in, arrays out. Synchronous; safe to call from several threads."""

    remote = False
    """Whether another machine computes, so that a call waits."""
    ready = True
    """Whether it can answer just now."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the predictor.

        Args:
            manifest: What the bundle says of itself.
        """
        self.manifest = manifest

    @abstractmethod
    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the model.

        Args:
            inputs: The graph's own inputs: the packed tensor, shape (n_rows, n_inputs), float32, columns in the
                manifest's order, where the manifest has ``packed``; else one array an input.
            timeout: Most seconds to wait for another machine; None: as the settings say.

        Returns:
            One array a declared output, n_rows first.
        """


def pack(manifest: Manifest, inputs: Mapping[str, Tensor | Synthetic]) -> dict[str, Array]:
    """Rows by declared input, as JSON holds them, to the arrays that the graph takes.

    Args:
        manifest: Declares names, order and datatypes.
        inputs: Name to values, or to how they are drawn; None is a missing value.

    Returns:
        What `Predictor.predict` takes.
    """
    arrays = {i.name: _array(i, inputs[i.name]) for i in manifest.inputs}
    if manifest.packed is None:
        return arrays
    return {manifest.packed: np.concatenate([arrays[i.name] for i in manifest.inputs], axis=1)}


def _array(declared: Input, values: Tensor | Synthetic) -> Array:
    if isinstance(values, Synthetic):
        return drawn(values, declared.shape).astype(_DTYPES[declared.datatype])
    return np.array(values, dtype=_DTYPES[declared.datatype]).reshape(declared.shape)


def check_golden(predictor: Predictor) -> None:
    """Run the manifest's golden rows: the model must give the outputs that it gave when it was made.

    Args:
        predictor: The loaded model.

    Raises:
        BundleError: It fails, or an output differs by more than the manifest's tolerance.
    """
    golden: Golden = predictor.manifest.golden
    try:
        outputs = predictor.predict(pack(predictor.manifest, golden.inputs))
        for declared in predictor.manifest.outputs:
            expected = np.array(golden.outputs[declared.name], dtype=np.float64).reshape(declared.shape)
            given = outputs[declared.name]
            if given.shape != expected.shape or not np.allclose(given, expected, rtol=0.0, atol=golden.tolerance):
                raise BundleError(f"golden rows: output {declared.name} is not what it was when the model was made")
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(f"golden rows cannot be run: {type(error).__name__}") from error
