"""The small network: distilled from a larger one, or trained on labels alone."""

from pathlib import Path
from typing import Any

import numpy as np

from training.errors import DataError
from training.pets.calibration import temperature
from training.pets.corruptions import CORRUPTIONS
from training.pets.distillation import CropPlan, distillation_data
from training.pets.graph import graph_bytes, largest_difference, logits_of
from training.pets.metrics import labels_of, model_inputs
from training.pets.neither import DetectorPlan
from training.pets.network import DEPTHS, EMBEDDING, STEM, WIDTHS, Network
from training.pets.network_trainer import FittedNetwork, NetworkTrainer
from training.pets.photos import of_split
from training.pets.teacher import Teacher
from training.pets.trainer import Photos
from training.pets.training_loop import TrainingConfig, TrainingLoop, targets
from training.trainer import Log, silent


class SmallNetworkTrainer(NetworkTrainer):
    """Trains the small network and calibrates it."""

    libraries = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "torch")

    def __init__(
        self,
        folder: Path,
        teacher: Teacher,
        plan: CropPlan,
        config: TrainingConfig,
        detector: DetectorPlan,
        state: Path,
        others: Path | None = None,
        log: Log = silent,
    ) -> None:
        """Initialize the trainer.

        Args:
            folder: Folder of photos.
            teacher: Gives features and logits to distil.
            plan: Number and size of the crops.
            config: Hyper-parameters of the training loop.
            detector: Number of pictures that the detector is fitted to.
            state: Folder of intermediate results; an interrupted run resumes from it.
            others: Folder of pictures of neither, to measure with.
            log: Receives a line on each step.
        """
        super().__init__(folder, teacher, detector, others, log)
        self.plan = plan
        self.config = config
        self.state = state
        self.size = plan.size
        self._network: Network | None = None

    def fit(self, data: Photos) -> FittedNetwork:
        """Train the network and fit its temperature to the held-out photos.

        Raises:
            DataError: If a split has too few photos.
        """
        train, tune, test = (of_split(data, split) for split in ("train", "tune", "test"))
        for purpose, photos in (("train on", train), ("tune with", tune), ("test with", test)):
            if len({photo.label for photo in photos}) < 2:
                raise DataError(f"too few photos to {purpose}: {len(photos)} of {len(data)}")
        self.state.mkdir(parents=True, exist_ok=True)
        crops = distillation_data(train, self.plan, self.teacher, self.state, self.log)
        loop = TrainingLoop(crops, targets(crops), self.config)
        loop.run(lambda epoch, loss: self.log(f"epoch {epoch} of {self.config.epochs}: loss {loss:.3f}"))
        network, held_out = loop.average.eval(), [*test, *tune]
        logits = logits_of(network, model_inputs(held_out, self.size)).astype(np.float64)
        divisor = temperature(logits, labels_of(held_out))
        self.log(f"temperature {divisor:.2f}")
        graph = graph_bytes(network, self.size, divisor)
        self._network = network
        return FittedNetwork(graph, divisor, logits, self.fit_detector(graph, data), network.weights)

    def difference(self, data: Photos, model: FittedNetwork, graph: bytes) -> float:
        """Return the largest difference of a probability on the photos of the split ``tune``."""
        pictures = model_inputs(of_split(data, "tune"), self.size)
        assert self._network is not None  # nosec B101
        return largest_difference(self._network, graph, pictures, model.temperature)

    def parameters(self, model: FittedNetwork) -> dict[str, Any]:
        """Return the manifest's parameters."""
        return {
            "network": {"stem": STEM, "widths": list(WIDTHS), "depths": list(DEPTHS), "embedding": EMBEDDING},
            "course": self.config._asdict(),
            "plan": self.plan._asdict(),
            "temperature": round(model.temperature, 4),
            "detector": self.detector_parameters(model),
            "teacher": self.teacher.sha256 or None,
            "trials": list(CORRUPTIONS),
        }
