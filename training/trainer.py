"""The steps of every training run: load, fit, export, check parity, evaluate, describe, write a bundle."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from app.bundle.manifest import CARD, MODEL, Manifest
from app.bundle.pointer import add_inactive
from app.bundle.store import versions, write_bundle
from app.errors import BundleError
from training.description import Description, manifest
from training.errors import ExportError

DataT = TypeVar("DataT")
ModelT = TypeVar("ModelT")
FiguresT = TypeVar("FiguresT")
Log = Callable[[str], None]


def silent(line: str) -> None:
    """Log nothing."""


@dataclass(frozen=True)
class Run(Generic[DataT, ModelT, FiguresT]):
    """The results of a training run."""

    data: DataT
    model: ModelT
    graph: bytes
    """The model as an ONNX file."""
    figures: FiguresT
    """The evaluation's results."""


class Trainer(ABC, Generic[DataT, ModelT, FiguresT]):
    """Trains one model and writes its bundle; subclasses implement the steps."""

    name: str
    """The bundle's name."""
    libraries: Sequence[str]
    """Distributions whose versions the manifest records."""
    tolerance: float
    """Maximum difference between the exported graph and the training code."""
    unit: str
    """Unit of that difference."""
    origin: str = ""
    """Where the training data come from, in the words of whoever trains; set before the run."""
    licence: str = ""
    """Licence of the training data, likewise."""

    def __init__(self, log: Log = silent) -> None:
        """Initialize the trainer.

        Args:
            log: Receives a line on each step.
        """
        self.log = log

    @abstractmethod
    def load(self) -> DataT:
        """Load the training data."""

    @abstractmethod
    def fit(self, data: DataT) -> ModelT:
        """Fit the model to all training data."""

    @abstractmethod
    def export(self, model: ModelT) -> bytes:
        """Export the model as an ONNX file."""

    @abstractmethod
    def difference(self, data: DataT, model: ModelT, graph: bytes) -> float:
        """Return the largest difference between the exported graph and the training code, in `unit`."""

    @abstractmethod
    def evaluate(self, data: DataT, model: ModelT, graph: bytes) -> FiguresT:
        """Measure the model on held-out data."""

    @abstractmethod
    def describe(self, run: Run[DataT, ModelT, FiguresT]) -> Description:
        """Return the part of the manifest that is specific to the model."""

    @abstractmethod
    def card(self, run: Run[DataT, ModelT, FiguresT], about: Manifest) -> str:
        """Return the model card in Markdown."""

    def faults(self, run: Run[DataT, ModelT, FiguresT]) -> list[str]:
        """Return what speaks against using the model, such as a baseline that is better; each continues its name."""
        return []

    def extra_files(self, run: Run[DataT, ModelT, FiguresT], about: Manifest) -> Mapping[str, bytes]:
        """Return further files of the bundle by name."""
        return {}

    def run(self) -> Run[DataT, ModelT, FiguresT]:
        """Run all steps up to the evaluation.

        Raises:
            TrainingError: If the data cannot be read or trained on, or the exported graph differs from the model.
        """
        data = self.load()
        model = self.fit(data)
        graph = self.export(model)
        difference = self.check_parity(data, model, graph)
        self.log(f"graph and training code differ by at most {difference:.1e} {self.unit}")
        return Run(data, model, graph, self.evaluate(data, model, graph))

    def check_parity(self, data: DataT, model: ModelT, graph: bytes) -> float:
        """Check that the exported graph gives what the training code gives.

        Returns:
            The largest difference, in `unit`.

        Raises:
            ExportError: If the difference exceeds `tolerance`.
        """
        difference = self.difference(data, model, graph)
        if not difference <= self.tolerance:
            raise ExportError(
                f"the exported graph differs from the training code by {difference:.3g} {self.unit}; "
                f"{self.tolerance:g} is allowed"
            )
        return difference

    def manifest(self, run: Run[DataT, ModelT, FiguresT], version: str) -> Manifest:
        """Return the manifest of a run's bundle.

        Args:
            run: The run.
            version: The bundle's version.
        """
        return manifest(self.name, version, self.libraries, self.describe(run))

    def write(self, run: Run[DataT, ModelT, FiguresT], root: Path, version: str | None = None) -> Path:
        """Write a run's bundle. Unless it is the model's first version, it is not active.

        Args:
            run: The run.
            root: Folder of bundles.
            version: The bundle's version; the next free one by default.

        Returns:
            The bundle's folder.

        Raises:
            BundleError: If the version exists, or the folder cannot be written.
        """

        def place() -> Path:
            about = self.manifest(run, version or next_version(root, self.name))
            files = {MODEL: run.graph, CARD: self.card(run, about).encode(), **self.extra_files(run, about)}
            return write_bundle(root, about, files)

        return add_inactive(root, self.name, place)


def next_version(root: Path, name: str) -> str:
    """Return the next free version of a model; ``1`` if it has no bundle."""
    return str(max(map(int, versions(root, name)), default=0) + 1)


def refuse_existing(root: Path, name: str, version: str) -> None:
    """Refuse a version that exists, before minutes are spent on training it.

    Raises:
        BundleError: If the version exists.
    """
    if (root / name / version).exists():
        raise BundleError(f"{root / name / version}: exists; a version is never overwritten")
