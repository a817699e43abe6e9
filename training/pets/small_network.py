"""The small network: distilled from a larger one, or trained on labels alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.domains.pets.pixels import Pixels
from training.errors import DataError
from training.pets.calibration import Numbers, calibration_error, cross_fitted, error_of_chance, temperature
from training.pets.corruptions import CORRUPTIONS
from training.pets.distillation import CropPlan, distillation_data
from training.pets.graph import TOLERANCE, graph_bytes, largest_difference, logits_of
from training.pets.inference import OUTPUT, predict
from training.pets.metrics import accuracy_by_corruption, figures, labels_of, model_inputs, reliability
from training.pets.network import DEPTHS, EMBEDDING, STEM, WIDTHS, Network
from training.pets.photos import HELD_OUT_BREEDS, TEST_SHARE, TUNE_SHARE, Photo, of_split
from training.pets.teacher import Teacher
from training.pets.trainer import CatDogTrainer, Figures, Photos
from training.pets.training_loop import TrainingConfig, TrainingLoop, targets
from training.trainer import Log, silent

PROTOCOL = (
    f"Photos that share a source file stay together. {TEST_SHARE:.0%} of them, chosen by the digest of the source, are "
    f"held out; {TUNE_SHARE:.0%} more were looked at while the network learnt, to choose how; of six breeds "
    f"({', '.join(HELD_OUT_BREEDS)}) none is learnt from. The temperature is fitted to the first two sets together; "
    "their confidence here is with the temperature of the other four fifths of them. Pictures are as the service "
    "prepares them."
)
PROSE = {
    "use": "Telling a cat from a dog in a photo that shows one of the two: sorting an album, showing how a picture "
    "model is served. It is small enough for the repository; `docs/pets.md` has a larger and better one.",
    "misuse": "Anything that hangs on the answer. It knows nothing but cats and dogs and gives one of the two for "
    "whatever it is shown; it does not find animals, count them, or know one from another; no person and no "
    "animal should be treated according to what it says.",
    "faults": "Photos unlike those it learnt from, of small, hidden or many animals, of breeds it has not seen, by "
    "night or from odd angles, are told apart worse than the figures above say; confidence is too high on "
    "such.",
}


class FittedNetwork(NamedTuple):
    """A trained network and its calibration."""

    network: Network
    temperature: float
    held_out_logits: Numbers
    """Logits of the photos of the splits ``test`` and ``tune``, in this order, shape (n, 2)."""


class SmallNetworkTrainer(CatDogTrainer[FittedNetwork]):
    """Trains the small network and calibrates it."""

    libraries = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "torch")
    tolerance = TOLERANCE
    golden_tolerance = TOLERANCE
    protocol = PROTOCOL
    prose = PROSE

    def __init__(
        self, folder: Path, teacher: Teacher, plan: CropPlan, config: TrainingConfig, state: Path, log: Log = silent
    ) -> None:
        """Initialize the trainer.

        Args:
            folder: Folder of photos.
            teacher: Gives features and logits to distil.
            plan: Number and size of the crops.
            config: Hyper-parameters of the training loop.
            state: Folder of intermediate results; an interrupted run resumes from it.
            log: Receives a line on each step.
        """
        super().__init__(folder, log)
        self.teacher = teacher
        self.plan = plan
        self.config = config
        self.state = state
        self.size = plan.size

    def trained_on(self, photos: Photos) -> Photos:
        """Return the photos that the network is fitted to."""
        return of_split(photos, "train")

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
        fitted = FittedNetwork(network, temperature(logits, labels_of(held_out)), logits)
        self.log(f"temperature {fitted.temperature:.2f}")
        return fitted

    def export(self, model: FittedNetwork) -> bytes:
        """Export the network, with its temperature."""
        return graph_bytes(model.network, self.size, model.temperature)

    def difference(self, data: Photos, model: FittedNetwork, graph: bytes) -> float:
        """Return the largest difference of a probability on the photos of the split ``tune``."""
        pictures = model_inputs(of_split(data, "tune"), self.size)
        return largest_difference(model.network, graph, pictures, model.temperature)

    def evaluate(self, data: Photos, model: FittedNetwork, graph: bytes) -> Figures:
        """Measure accuracy, robustness and calibration on held-out photos."""

        def probabilities(pictures: Pixels) -> Numbers:
            return predict(graph, pictures)[OUTPUT].astype(np.float64)

        test, tune, breeds = (of_split(data, split) for split in ("test", "tune", "breeds"))
        held_out = [*test, *tune]
        calibrated = cross_fitted(model.held_out_logits, labels_of(held_out))
        sets = {"held-out photos": (calibrated[: len(test)], test), "looked at": (calibrated[len(test) :], tune)}
        if breeds:
            sets["held-out breeds"] = (probabilities(model_inputs(breeds, self.size)), breeds)
        return {
            "sets": {name: figures(values, photos) for name, (values, photos) in sets.items()},
            "trials": accuracy_by_corruption(probabilities, test, self.size),
            "calibration": {
                "photos": len(held_out),
                "error": calibration_error(calibrated, labels_of(held_out)),
                "error_of_chance": error_of_chance(calibrated),
            },
            "reliability": {"held out and looked at": reliability(calibrated, held_out)},
            "weights": model.network.weights,
        }

    def parameters(self, model: FittedNetwork) -> dict[str, Any]:
        """Return the manifest's parameters."""
        return {
            "network": {"stem": STEM, "widths": list(WIDTHS), "depths": list(DEPTHS), "embedding": EMBEDDING},
            "course": self.config._asdict(),
            "plan": self.plan._asdict(),
            "temperature": round(model.temperature, 4),
            "teacher": self.teacher.sha256 or None,
            "trials": list(CORRUPTIONS),
        }

    def summary(self) -> str:
        """Return the manifest's description."""
        origin = " that learnt from a larger one." if self.teacher.sha256 else "."
        return f"Cat or dog, from a photo: a small residual network{origin}"

    def data_text(self, photos: Photos) -> str:
        """Return the card's text on the photos."""
        return _data_text(photos, self.teacher.sha256)


def _data_text(photos: Sequence[Photo], teacher_sha256: str) -> str:
    counts = {split: len(of_split(photos, split)) for split in ("train", "tune", "test", "breeds")}
    text = (
        f"{len(photos)} photos: {counts['train']} to learn from, {counts['tune']} looked at, {counts['test']} "
        f"held out, {counts['breeds']} of held-out breeds."
    )
    if teacher_sha256:
        text += (
            " Of each photo that is learnt from, views drawn at random were shown to a pretrained network, "
            f"SHA-256 `{teacher_sha256}`, whose features and logits were learnt beside the labels; none of its "
            "weights is in this bundle."
        )
    return text
