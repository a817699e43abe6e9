"""What the trainers of the small network share: its figures, and the detector of pictures of neither."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.domains.pets.pixels import Pixels
from training.pets.calibration import Numbers, calibration_error, cross_fitted, error_of_chance
from training.pets.inference import OUTPUT, predict
from training.pets.metrics import accuracy_by_corruption, figures, labels_of, model_inputs, reliability
from training.pets.neither import FALSE_ALARMS, MASS, Detector, DetectorPlan, detection_figures, fit_detector, with_mass
from training.pets.photos import HELD_OUT_BREEDS, TEST_SHARE, TUNE_SHARE, Photo, of_split
from training.pets.teacher import Teacher
from training.pets.trainer import PROBABILITIES, CatDogTrainer, Figures, Photos
from training.trainer import Log, silent

TOLERANCE = 5e-3
"""Allowed difference of probabilities between graph and network; weights are rounded to half precision."""
PROTOCOL = (
    f"Photos that share a source file stay together. {TEST_SHARE:.0%} of them, chosen by the digest of the source, are "
    f"held out; {TUNE_SHARE:.0%} more were looked at while the network learnt, to choose how; of six breeds "
    f"({', '.join(HELD_OUT_BREEDS)}) none is learnt from. The temperature is fitted to the first two sets together; "
    "their confidence here is with the temperature of the other four fifths of them. So is the threshold of `neither`, "
    f"which gives up {FALSE_ALARMS:.0%} of them; its detector is fitted to the training photos, to drawings, and to "
    "patches of the training photos' backgrounds. Pictures are as the service prepares them."
)
PROSE = {
    "use": "Telling a cat from a dog in a photo that shows one of the two: sorting an album, showing how a picture "
    "model is served. It is small enough for the repository; `docs/pets.md` has a larger and better one.",
    "misuse": "Anything that hangs on the answer. It knows nothing but cats and dogs and gives one of the two for "
    "whatever it is shown, with the warning `neither` in most cases of something else, not in all; it does not find "
    "animals, count them, or know one from another; no person and no animal should be treated according to what it "
    "says.",
    "faults": "Portraits of people and other furry animals often pass for a cat or a dog without a warning. Photos "
    "unlike those it learnt from, of small, hidden or many animals, of breeds it has not seen, by night or from odd "
    "angles, are told apart worse than the figures above say; confidence is too high on such.",
}


class FittedNetwork(NamedTuple):
    """A trained network, its calibration and its detector."""

    graph: bytes
    """ONNX file, without the detector."""
    temperature: float
    held_out_logits: Numbers
    """Logits of the photos of the splits ``test`` and ``tune``, in this order, shape (n, 2)."""
    detector: Detector
    weights: int
    """Number of the network's weights."""


class NetworkTrainer(CatDogTrainer[FittedNetwork]):
    """A trainer of the small network; subclasses say where the network comes from."""

    outputs = (PROBABILITIES, MASS)
    tolerance = TOLERANCE
    golden_tolerance = TOLERANCE
    protocol = PROTOCOL
    prose = PROSE

    def __init__(
        self,
        folder: Path,
        teacher: Teacher,
        detector: DetectorPlan,
        others: Path | None = None,
        log: Log = silent,
    ) -> None:
        """Initialize the trainer.

        Args:
            folder: Folder of photos.
            teacher: Gives features and logits to distil, and says which crops show a pet.
            detector: Number of pictures that the detector is fitted to.
            others: Folder of pictures of neither, to measure with.
            log: Receives a line on each step.
        """
        super().__init__(folder, log)
        self.teacher = teacher
        self.detector = detector
        self.others = others

    def trained_on(self, photos: Photos) -> Photos:
        """Return the photos that the network is fitted to."""
        return of_split(photos, "train")

    def fit_detector(self, graph: bytes, data: Photos) -> Detector:
        """Fit the detector to the photos of the split ``train``; its threshold to ``test`` and ``tune``."""
        train, tune, test = (of_split(data, split) for split in ("train", "tune", "test"))
        return fit_detector(graph, train, [*test, *tune], self.teacher, self.detector, self.log)

    def export(self, model: FittedNetwork) -> bytes:
        """Export the network, with its temperature and its detector."""
        return with_mass(model.graph, model.detector)

    def evaluate(self, data: Photos, model: FittedNetwork, graph: bytes) -> Figures:
        """Measure accuracy, robustness, calibration and the detector of `neither` on held-out photos."""

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
            "neither": detection_figures(
                graph,
                model.detector,
                {"held-out photos": test, "looked at": tune, **({"held-out breeds": breeds} if breeds else {})},
                self.teacher,
                self.others,
            ),
            "weights": model.weights,
        }

    def detector_parameters(self, model: FittedNetwork) -> dict[str, Any]:
        """Return the manifest's parameters of the detector."""
        return {
            **model.detector.plan._asdict(),
            "false_alarms": FALSE_ALARMS,
            "pictures": model.detector.rows,
            "teacher": self.teacher.sha256 or None,
        }

    def summary(self) -> str:
        """Return the manifest's description."""
        origin = " that learnt from a larger one." if self.network_teacher() else "."
        return f"Cat or dog, from a photo: a small residual network{origin}"

    def data_text(self, photos: Photos) -> str:
        """Return the card's text on the photos."""
        return _data_text(photos, self.network_teacher())

    def network_teacher(self) -> str:
        """Return the SHA-256 of the teacher that the network learnt from; empty if there was none."""
        return self.teacher.sha256


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
