"""Trains a candidate, compares it with the active version, and adds a report about both to the bundle."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.bundle.manifest import Manifest
from app.bundle.store import Bundle
from training.comparison import Tolerances
from training.evaluate import EvaluationProtocol
from training.model import Model
from training.refresh.contest import Contest, Known, contest
from training.refresh.labels import LabelRows
from training.refresh.merge import Merged
from training.refresh.page import Facts, page_files
from training.refresh.recent import Recent
from training.spec import Spec
from training.spec_trainer import CleanedRecipes, SpecFigures, SpecRun, SpecTrainer
from training.trainer import Log, silent


@dataclass(frozen=True)
class Material:
    """What a run starts from."""

    rows: CleanedRecipes
    merged: Merged
    labels: LabelRows
    """The labels among the rows."""
    aside: LabelRows
    """Labels of the kind that is not trained on."""
    active: Bundle
    known: Known
    recent: Recent | None
    """Recent requests; None if no records were given."""


@dataclass(frozen=True)
class RefreshFigures(SpecFigures):
    """Figures of the candidate, and its comparison with the active version."""

    contest: Contest


class RefreshTrainer(SpecTrainer):
    """Trains a model of a `Spec` again."""

    forced = False
    """Whether the version is written whatever the comparison says; set before it is written."""

    def __init__(
        self,
        spec: Spec,
        material: Material,
        protocol: EvaluationProtocol,
        tolerances: Tolerances,
        log: Log = silent,
    ) -> None:
        """Initialize the trainer.

        Args:
            spec: The model.
            material: Rows and active version.
            protocol: How both are measured.
            tolerances: By how much the candidate may be worse.
            log: Receives a line on each step.
        """
        super().__init__(spec, material.rows.dataset, protocol, log=log)
        self._material = material
        self._tolerances = tolerances

    def load(self) -> CleanedRecipes:
        """Return the rows."""
        return self._material.rows

    def evaluate(self, data: CleanedRecipes, model: Model, graph: bytes) -> RefreshFigures:
        """Measure the candidate on grouped folds, and compare it with the active version.

        Raises:
            DataError: If there are too few groups for the folds.
        """
        own = super().evaluate(data, model, graph)
        predicted = own.evaluation.predicted
        active, known = self._material.active, self._material.known
        outcome = contest(self.spec, data.rows, predicted, active, known, self.protocol, self._tolerances)
        return RefreshFigures(own.evaluation, own.leaking_rmse, own.kinds, outcome)

    def extra_files(self, run: SpecRun, about: Manifest) -> Mapping[str, bytes]:
        """Return the trees, the digests of the beers, and the report with its plots."""
        return {**super().extra_files(run, about), **self.page(run, about)}

    def page(self, run: SpecRun, about: Manifest) -> dict[str, bytes]:
        """Return the report and its plots by file name.

        Args:
            run: The run.
            about: The candidate's manifest.
        """
        material = self._material
        return page_files(
            Facts(
                spec=self.spec,
                about=about,
                active=material.active,
                known=material.known,
                sources=material.merged.sources,
                labels=material.labels,
                aside=material.aside,
                recent=material.recent,
                run=run,
                contest=outcome_of(run),
                forced=self.forced,
            )
        )


def outcome_of(run: SpecRun) -> Contest:
    """Return the comparison of a run."""
    if not isinstance(run.figures, RefreshFigures):
        raise TypeError("not a run of this trainer")
    return run.figures.contest
