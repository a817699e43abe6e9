"""What the trainers of ``cat-dog`` share: photos, manifest, card and plot."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from app.bundle.manifest import Golden, Input, Manifest, Output, Synthetic, TrainingData
from app.runtime.synthetic import synthetic_rows
from training.description import Description, rounded
from training.pets.card import cat_dog_card
from training.pets.inference import INPUT, predict
from training.pets.photos import Photo, digest, read_photos
from training.pets.plot import reliability_png
from training.trainer import Log, Run, Trainer, silent

RELIABILITY = "reliability.png"
GOLDEN = Synthetic(seed="cat-dog", rows=4, cells=8)
PROBABILITIES = Output(
    name="probabilities",
    datatype="FP32",
    shape=(-1, 2),
    unit="",
    description="Of cat and of dog; together 1, whatever the picture shows",
)

ModelT = TypeVar("ModelT")
Figures = dict[str, Any]
Photos = Sequence[Photo]


class CatDogTrainer(Trainer[Photos, ModelT, Figures]):
    """Trains a model that tells cats from dogs."""

    name = "cat-dog"
    unit = "in probability"
    size: int
    """Width and height of the pictures, pixels."""
    outputs: tuple[Output, ...] = (PROBABILITIES,)
    golden_tolerance: float
    """Allowed difference from the golden probabilities; other processors round differently."""
    protocol: str
    """How the figures are measured, in words."""
    prose: Mapping[str, str]
    """The card's texts ``use``, ``misuse`` and ``faults``."""

    def __init__(self, folder: Path, log: Log = silent) -> None:
        """Initialize the trainer.

        Args:
            folder: Folder of photos; see `read_photos`.
            log: Receives a line on each step.
        """
        super().__init__(log)
        self.folder = folder

    @abstractmethod
    def summary(self) -> str:
        """Return the manifest's description."""

    @abstractmethod
    def trained_on(self, photos: Photos) -> Photos:
        """Return the photos that the model is fitted to."""

    @abstractmethod
    def data_text(self, photos: Photos) -> str:
        """Return the card's text on the photos."""

    @abstractmethod
    def parameters(self, model: ModelT) -> dict[str, Any]:
        """Return the manifest's parameters."""

    def load(self) -> Photos:
        """Read the photos.

        Raises:
            SourceError: If the photos cannot be read.
        """
        photos = read_photos(self.folder)
        self.log(f"{len(photos)} photos read")
        return photos

    def describe(self, run: Run[Photos, ModelT, Figures]) -> Description:
        """Return the part of the manifest that is specific to the model."""
        image = Input(
            name=INPUT,
            datatype="FP32",
            shape=(-1, self.size, self.size, 3),
            unit="",
            description="RGB, the right way up, the largest square in the middle; pixel / 127 - 1",
        )
        answers = predict(run.graph, synthetic_rows(GOLDEN, image.shape))
        return Description(
            description=self.summary(),
            inputs=(image,),
            outputs=self.outputs,
            protocol=self.protocol,
            figures=run.figures,
            training_data=TrainingData(
                source="photos of cats and dogs",
                origin=self.origin,
                licence=self.licence,
                sha256=digest(run.data),
                rows_read=len(run.data),
                rows_used=len(self.trained_on(run.data)),
                cleaning=(),
            ),
            parameters=self.parameters(run.model),
            golden=Golden(
                inputs={INPUT: GOLDEN},
                outputs={name: np.round(values.astype(float), 5).tolist() for name, values in answers.items()},
                tolerance=self.golden_tolerance,
            ),
        )

    def card(self, run: Run[Photos, ModelT, Figures], about: Manifest) -> str:
        """Return the model card in Markdown."""
        return cat_dog_card(about, {**self.prose, "data": self.data_text(run.data)})

    def extra_files(self, run: Run[Photos, ModelT, Figures], about: Manifest) -> Mapping[str, bytes]:
        """Return the reliability plot."""
        return {RELIABILITY: reliability_png(rounded(run.figures)["reliability"])}
