"""The in-process predictor: ONNX Runtime on one thread."""

from typing import Any

import onnxruntime

from app.bundle.manifest import MODEL
from app.bundle.store import Bundle
from app.errors import BundleError
from app.runtime.golden import check_golden
from app.runtime.predictor import Array, Arrays, Predictor


class OnnxPredictor(Predictor):
    """A bundle's ``model.onnx`` in this process.

    One thread: a row takes microseconds, so handing it to another thread would cost more than it gains.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the graph from the verified bytes and run the golden rows.

        Args:
            bundle: Its digests agree.

        Raises:
            BundleError: The graph cannot be loaded, does not fit the manifest, or fails the golden rows.
        """
        super().__init__(bundle.manifest)
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.files[MODEL], _one_thread(), providers=["CPUExecutionProvider"]
            )
            vars(self._session).pop("_model_bytes", None)  # kept for other providers to fall back on; there are none
            self._check_signature()
            check_golden(self)
        except BundleError as error:
            raise BundleError(f"{bundle.folder}: {error}") from None
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise BundleError(f"{bundle.folder}: {MODEL} cannot be loaded: {type(error).__name__}") from error

    def _check_signature(self) -> None:
        manifest = self.manifest
        declared = {manifest.packed} if manifest.packed else {i.name for i in manifest.inputs}
        if {i.name for i in self._session.get_inputs()} != declared:
            raise BundleError(f"{MODEL}: its inputs are not those of the manifest")
        self._outputs = [o.name for o in manifest.outputs]
        if missing := set(self._outputs) - {o.name for o in self._session.get_outputs()}:
            raise BundleError(f"{MODEL}: output {min(missing)} is missing")

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the graph; see `Predictor.predict`."""
        values: list[Any] = self._session.run(self._outputs, inputs)
        return dict(zip(self._outputs, values, strict=True))


def _one_thread() -> "onnxruntime.SessionOptions":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it keeps what its largest run took, and makes none faster
    options.log_severity_level = 4  # what it has to say reaches the caller as an exception
    return options
