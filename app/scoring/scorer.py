"""The scorer of a job: what answers its rows, loaded and verified in this process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow

from app.batch.columns import Columns
from app.batch.row import bad_file
from app.bundle.digests import SHA256SUMS, check_approved
from app.bundle.fetch import models_root
from app.bundle.files import MAX_SUMS_BYTES, read_file
from app.bundle.manifest import MODEL
from app.bundle.store import read_bundle
from app.composition.domains import load_manager
from app.domains.beer.api import VITALS, BeerApi
from app.domains.beer.predictions import OUTPUTS
from app.domains.discovery import discover
from app.errors import BundleError, CallError, ModelNotFound, ScoringError
from app.models.loaded import LoadedModel
from app.models.manager import ModelManager
from app.scoring.answered import Answered
from app.scoring.beer import BeerScorer
from app.scoring.pieces import Piece
from app.scoring.steadiness import make_steady
from app.scoring.tensors import Run, TensorScorer
from app.settings import ModelSettings


@dataclass(frozen=True, slots=True)
class Model:
    """What is asked for."""

    name: str = ""
    """Name of a model, whose rows are those of the Open Inference Protocol; empty: beers, as ``POST /predict``."""
    version: str | None = None
    """Version; None is the active one."""


class Scorer(Protocol):
    """Answers rows."""

    @property
    def schema(self) -> pyarrow.Schema:
        """Columns of the answers."""

    @property
    def columns(self) -> Columns:
        """The columns that a table may have."""

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that are answered as arrays."""

    def answer(self, piece: Piece) -> Answered:
        """Answer rows.

        Raises:
            CallError: If a model cannot answer.
        """


@dataclass(frozen=True, slots=True)
class LoadedScorer:
    """A scorer and the digests of its models."""

    scorer: Scorer
    digests: tuple[tuple[str, str, str], ...]
    """Name, version and digest of the ``SHA256SUMS`` of each model that may answer."""

    def answer_recipes(self, data: bytes) -> Iterator[Answered]:
        """Answer a recipe file; see `BeerScorer.answer_recipes`.

        Raises:
            InputError: If the file cannot be read, or the model is not asked about beers.
            CallError: If a model cannot answer.
        """
        if not isinstance(self.scorer, BeerScorer):
            raise bad_file("unsupported_format", "is a recipe file, which is answered without --model")
        return self.scorer.answer_recipes(data)


def load_scorer(settings: ModelSettings, model: Model) -> LoadedScorer:
    """Load and verify what answers.

    Args:
        settings: The settings about models.
        model: What is asked for.

    Raises:
        BundleError: If a bundle is missing or bad.
        ScoringError: If there is no such model or version, or its inputs are not numbers.
    """
    domain = BeerApi if not model.name else next((each for each in discover() if model.name in each.models), None)
    if domain is None:
        known = ", ".join(name for each in discover() for name in each.models)
        raise ScoringError(f"--model: there is no model {model.name!r}; there are {known}")
    served, manager = load_manager(settings, domain)
    names = (model.name,) if model.name else served.models
    try:
        if model.name:
            loaded = manager.get(model.name, model.version)
            run = _quick_run(settings, loaded) if make_steady(loaded) else None
            scorer: Scorer = TensorScorer(loaded, run)
        else:
            steady = {name for name in names if _make_steady(manager, name, model.version)}
            vitals = manager.get(VITALS, model.version)
            run = _quick_run(settings, vitals, OUTPUTS) if VITALS in steady else None
            scorer = BeerScorer(served(manager), manager, model.version, run)  # type: ignore[arg-type]  # the BeerApi
    except ModelNotFound:
        raise ScoringError(f"--version: {names[0]} has no version {model.version}") from None
    except CallError as error:
        raise BundleError(f"{names[0]}: cannot be loaded: {type(error).__name__}") from None
    return LoadedScorer(scorer, tuple(_digests(settings, manager, names, model.version)))


def _make_steady(manager: ModelManager, name: str, version: str | None) -> bool:
    """See `make_steady`; False if there is no such version, and beers that need it fail."""
    try:
        return make_steady(manager.get(name, version))
    except ModelNotFound:
        return False


def _quick_run(settings: ModelSettings, loaded: LoadedModel, outputs: Sequence[str] = ()) -> Run | None:
    """What runs the graph quickly, if that is possible, and onnx is installed."""
    try:
        from app.scoring.forest import quick_run
    except ModuleNotFoundError:
        return None
    folder = models_root(settings) / loaded.manifest.name / loaded.manifest.version
    return quick_run(loaded, read_bundle(folder, settings.model_sha256).files[MODEL], outputs)


def _digests(
    settings: ModelSettings, manager: ModelManager, names: tuple[str, ...], version: str | None
) -> Iterator[tuple[str, str, str]]:
    for name in names:
        try:
            loaded = manager.get(name, version)
        except ModelNotFound:  # beers that need it fail
            continue
        folder = models_root(settings) / name / loaded.manifest.version
        try:
            sums = read_file(folder / SHA256SUMS, MAX_SUMS_BYTES).decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise BundleError(f"{folder}: {SHA256SUMS} cannot be read: {type(error).__name__}") from None
        yield name, loaded.manifest.version, check_approved(sums, (), folder)
