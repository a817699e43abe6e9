"""The in-process predictor: ONNX Runtime on one thread."""

import os
from typing import Any

import onnxruntime

from app.bundle.graph import check_graph
from app.bundle.manifest import MODEL
from app.bundle.store import Bundle
from app.errors import BundleError
from app.runtime.golden import check_golden
from app.runtime.predictor import Array, Arrays, Predictor

_NO_FOLDER = os.devnull
"""Folder of external initializers: not a folder, so that no path in it exists."""


class OnnxPredictor(Predictor):
    """Runs a bundle's ``model.onnx`` in this process, on one thread.

    A row takes microseconds; handing it to another thread would cost more than it gains.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Load the graph from the verified bytes and run the golden rows.

        Args:
            bundle: The bundle, whose digests were verified.

        Raises:
            BundleError: If the graph cannot be loaded, does not fit the manifest, or fails the golden rows.
        """
        super().__init__(bundle.manifest)
        try:
            check_graph(bundle.files[MODEL])
            self._session = onnxruntime.InferenceSession(
                bundle.files[MODEL], _options(), providers=["CPUExecutionProvider"]
            )
            vars(self._session).pop("_model_bytes", None)  # a copy for fallback providers
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
            raise BundleError(f"{MODEL}: its inputs differ from those in the manifest")
        self._outputs = [o.name for o in manifest.outputs]
        if missing := set(self._outputs) - {o.name for o in self._session.get_outputs()}:
            raise BundleError(f"{MODEL}: output {min(missing)} is missing")

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the graph; see `Predictor.predict`."""
        values: list[Any] = self._session.run(self._outputs, inputs)
        return dict(zip(self._outputs, values, strict=True))


def _options() -> "onnxruntime.SessionOptions":
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest run, and makes no run faster
    options.log_severity_level = 4  # errors reach the caller as exceptions
    options.add_session_config_entry("session.load_model_format", "ONNX")  # the format that `check_graph` reads
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
    return options
