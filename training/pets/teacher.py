"""Teachers of the distillation: a pretrained network, or none."""

import hashlib
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.domains.pets.pixels import scaled
from training.errors import SourceError
from training.pets.crops import SIDE, Pictures

Numbers = NDArray[np.float32]


class Teacher(Protocol):
    """Gives features and logits of pictures."""

    @property
    def sha256(self) -> str:
        """Digest of the network; empty if there is none."""

    @property
    def widths(self) -> tuple[int, int]:
        """Number of features and of logits."""

    def __call__(self, pictures: Pictures) -> tuple[Numbers, Numbers]:
        """Return features and logits of pictures, shape (n, 224, 224, 3), uint8."""


class NoTeacher:
    """Stands in where there is no teacher: training uses the labels only."""

    sha256 = ""
    widths = (0, 0)

    def __call__(self, pictures: Pictures) -> tuple[Numbers, Numbers]:
        """Return arrays without columns."""
        empty = np.zeros((len(pictures), 0), np.float32)
        return empty, empty


class OnnxTeacher:
    """A pretrained network in an ONNX file.

    Input ``image``, FP32 [n, 224, 224, 3]; outputs ``features`` and ``logits``.
    """

    def __init__(self, path: Path, threads: int = 2) -> None:
        """Initialize the teacher.

        Args:
            path: The ONNX file.
            threads: Number of threads.

        Raises:
            SourceError: If it cannot be read, or has other inputs or outputs.
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
            raise SourceError(f"{path}: not a valid ONNX file: {type(error).__name__}") from None
        names = {o.name for o in self._session.get_outputs()}
        if [i.name for i in self._session.get_inputs()] != ["image"] or not {"features", "logits"} <= names:
            raise SourceError(f"{path}: must have the input image and the outputs features and logits")
        self.sha256 = hashlib.sha256(graph).hexdigest()
        """SHA-256 of the file."""
        features, logits = self(np.zeros((1, SIDE, SIDE, 3), np.uint8))
        self.widths = features.shape[1], logits.shape[1]
        """Number of features and of logits."""

    def __call__(self, pictures: Pictures) -> tuple[Numbers, Numbers]:
        """Run the network.

        Args:
            pictures: Shape (n, 224, 224, 3), uint8.

        Returns:
            Features, shape (n, n_features), and logits, shape (n, n_classes), float32.
        """
        features, logits = self._session.run(["features", "logits"], {"image": scaled(pictures)})
        return features, logits
