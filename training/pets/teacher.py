"""The teacher: a pretrained network, of which only what it says of pictures is used."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.domains.pets.pixels import scaled
from training.errors import SourceError
from training.pets.views import SIDE, View

Numbers = NDArray[np.float32]


class Teacher:
    """An ONNX file: input ``image`` [n, 224, 224, 3], outputs ``features`` and ``logits``."""

    def __init__(self, path: Path, threads: int = 2) -> None:
        """Initialize the teacher.

        Args:
            path: The file.
            threads: Threads it may take.

        Raises:
            SourceError: It cannot be read, or has other inputs and outputs.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        try:
            graph = path.read_bytes()
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise SourceError(f"{path}: is no ONNX file that can be run: {type(error).__name__}") from None
        names = {o.name for o in self._session.get_outputs()}
        if [i.name for i in self._session.get_inputs()] != ["image"] or not {"features", "logits"} <= names:
            raise SourceError(f"{path}: must take image and give features and logits")
        self.sha256 = hashlib.sha256(graph).hexdigest()
        """Digest of the file."""
        features, logits = self(np.zeros((1, SIDE, SIDE, 3), np.uint8))
        self.widths = features.shape[1], logits.shape[1]
        """How many features and logits it gives."""

    def __call__(self, pictures: View) -> tuple[Numbers, Numbers]:
        """What it says of pictures.

        Args:
            pictures: Shape (n, 224, 224, 3), uint8.

        Returns:
            Features, shape (n, n_features), and logits, shape (n, n_classes), float32.
        """
        features, logits = self._session.run(["features", "logits"], {"image": scaled(pictures)})
        return features, logits
