"""A small network that is kept from a bundle: only what tells pictures of neither is fitted, without PyTorch."""

from pathlib import Path
from typing import Any

import numpy as np

from app.bundle.manifest import MODEL
from app.bundle.store import read_bundle
from app.errors import BundleError
from training.errors import SourceError
from training.pets.inference import OUTPUT, predict
from training.pets.metrics import model_inputs
from training.pets.neither import DetectorPlan, without_mass
from training.pets.network_trainer import FittedNetwork, NetworkTrainer
from training.pets.photos import of_split
from training.pets.teacher import Teacher
from training.pets.trainer import Photos
from training.trainer import Log, silent


class ExistingNetworkTrainer(NetworkTrainer):
    """Fits the detector to a bundle's network, which stays as it is."""

    libraries = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn")

    def __init__(
        self,
        folder: Path,
        teacher: Teacher,
        bundle: Path,
        detector: DetectorPlan,
        others: Path | None = None,
        log: Log = silent,
    ) -> None:
        """Initialize the trainer.

        Args:
            folder: The photos that the network was trained on.
            teacher: Says which crops show a pet.
            bundle: Folder of the bundle.
            detector: Number of pictures that the detector is fitted to.
            others: Folder of pictures of neither, to measure with.
            log: Receives a line on each step.

        Raises:
            SourceError: If the bundle is not one of a small network.
        """
        super().__init__(folder, teacher, detector, others, log)
        try:
            self._bundle = read_bundle(bundle)
        except BundleError as error:
            raise SourceError(str(error)) from None
        self._old = self._bundle.manifest
        if not {"network", "temperature"} <= self._old.parameters.keys():
            raise SourceError(f"{bundle}: is not the bundle of a small network")
        (image,) = self._old.inputs
        self.size = image.shape[1]

    def fit(self, data: Photos) -> FittedNetwork:
        """Fit the detector to the network."""
        graph = without_mass(self._bundle.files[MODEL])
        held_out = [*of_split(data, "test"), *of_split(data, "tune")]
        probabilities = predict(graph, model_inputs(held_out, self.size))[OUTPUT].astype(np.float64)
        divisor = float(str(self._old.parameters["temperature"]))
        logits = divisor * np.log(np.clip(probabilities, 1e-30, None))
        weights = int(str(self._old.metrics.values["weights"]))
        return FittedNetwork(graph, divisor, logits, self.fit_detector(graph, data), weights)

    def difference(self, data: Photos, model: FittedNetwork, graph: bytes) -> float:
        """Return the largest difference of a probability from the bundle's, on the photos of the split ``tune``."""
        pictures = model_inputs(of_split(data, "tune"), self.size)
        before = predict(model.graph, pictures)[OUTPUT]
        return float(np.abs(predict(graph, pictures)[OUTPUT] - before).max())

    def parameters(self, model: FittedNetwork) -> dict[str, Any]:
        """Return the manifest's parameters: those of the network, and the detector's."""
        kept = {"network_libraries": dict(self._old.libraries), **self._old.parameters}
        return {**kept, "detector": self.detector_parameters(model)}

    def network_teacher(self) -> str:
        """Return the SHA-256 of the teacher that the network learnt from; empty if there was none."""
        return str(self._old.parameters.get("teacher") or "")
