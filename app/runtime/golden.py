"""Golden rows: inputs and outputs that a manifest holds, so that a loaded model proves that it is the trained one."""

from collections.abc import Mapping

import numpy as np

from app.bundle.manifest import Golden, Input, Manifest, Synthetic, Tensor
from app.errors import BundleError
from app.runtime.predictor import Array, Predictor
from app.runtime.synthetic import synthetic_rows

_DTYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP32": np.float32,
    "FP64": np.float64,
}


def pack(manifest: Manifest, inputs: Mapping[str, Tensor | Synthetic]) -> dict[str, Array]:
    """Convert rows from their JSON form to the arrays that the graph takes.

    Args:
        manifest: Declares the names, the order and the datatypes.
        inputs: Values, or a rule for synthetic values, by input name; None is a missing value.

    Returns:
        The inputs for `Predictor.predict`.
    """
    arrays = {i.name: _array(i, inputs[i.name]) for i in manifest.inputs}
    if manifest.packed is None:
        return arrays
    return {manifest.packed: np.concatenate([arrays[i.name] for i in manifest.inputs], axis=1)}


def _array(declared: Input, values: Tensor | Synthetic) -> Array:
    if isinstance(values, Synthetic):
        return synthetic_rows(values, declared.shape).astype(_DTYPES[declared.datatype])
    return np.array(values, dtype=_DTYPES[declared.datatype]).reshape(declared.shape)


def check_golden(predictor: Predictor) -> None:
    """Run the manifest's golden rows: the outputs must be those that the model gave when it was trained.

    Args:
        predictor: The loaded model.

    Raises:
        BundleError: If the model fails, or an output differs by more than the manifest's tolerance.
    """
    golden: Golden = predictor.manifest.golden
    try:
        outputs = predictor.predict(pack(predictor.manifest, golden.inputs))
        for declared in predictor.manifest.outputs:
            expected = np.array(golden.outputs[declared.name], dtype=np.float64).reshape(declared.shape)
            given = outputs[declared.name]
            if given.shape != expected.shape or not np.allclose(given, expected, rtol=0.0, atol=golden.tolerance):
                raise BundleError(
                    f"golden rows: output {declared.name} differs from what it was when the model was trained"
                )
    except (KeyError, ValueError, RuntimeError) as error:
        raise BundleError(f"golden rows cannot be run: {type(error).__name__}") from error
