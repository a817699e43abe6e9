"""Training of models that are described by a `Spec`: boosted trees with a prediction interval, from recipes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.bundle.distribution import KEY
from app.bundle.manifest import CleaningStep, Golden, Input, Manifest, Output, TrainingData
from app.domains.beer.cleaning import IBU_HIGH
from training.cleaning import clean, rules
from training.description import Description, declared_input, rounded
from training.distribution import answers_of, distribution
from training.evaluate import Evaluation, EvaluationProtocol, evaluate, leaking_rmse
from training.export import PACKED, TOLERANCE, graph_bytes, largest_difference, predict_with_graph
from training.groups import related
from training.missing import listed
from training.model import OUTPUTS, Model, fit, outputs_of
from training.reasons import explanation
from training.sources import Recipe, RecipeDataset
from training.spec import Array, Data, Parameters, Spec, known_data
from training.spec_card import better_baselines, spec_card
from training.trained_on import TRAINED_ON, TrainedOn
from training.trainer import Log, Run, Trainer, silent

BOOSTER = "model.ubj"
LEAKING_IBU = 1000.0
"""Largest label in the comparison with older figures."""
_ENDS = {"lower": "Lower", "upper": "Upper"}


@dataclass(frozen=True)
class CleanedRecipes:
    """Recipes, how they were cleaned, and the rows made from them."""

    dataset: RecipeDataset
    cleaning: tuple[CleaningStep, ...]
    rows: Data
    kinds: Mapping[str, Sequence[str]]
    """Each row's kind, by what they are sorted by."""


@dataclass(frozen=True)
class SpecFigures:
    """Figures of a model on held-out recipes."""

    evaluation: Evaluation
    leaking_rmse: dict[str, float]
    """RMSE by model on folds that split related beers; only for comparison with older figures, where there are any."""
    kinds: Mapping[str, Sequence[str]]
    """Each beer's kind, by what they are sorted by."""

    def values(self) -> dict[str, Any]:
        """Return all figures, rounded to four decimals."""
        table = self.evaluation.table()
        older = {"leaking_rowwise_rmse_below_1000_ibu": self.leaking_rmse} if self.leaking_rmse else {}
        return rounded(
            {
                **table.pop("model"),
                "baselines": table,
                "paired": self.evaluation.paired(),
                "further_intervals": self.evaluation.by_coverage(),
                "coverage_range": self.evaluation.coverage_range(),
                "bands": self.evaluation.by_band(),
                "kinds": {name: self.evaluation.by_kind(kinds) for name, kinds in self.kinds.items() if any(kinds)},
                "not_told": self.evaluation.without(),
                "missing": listed(self.evaluation.missing()),
                **older,
            }
        )


SpecRun = Run[CleanedRecipes, Model, SpecFigures]


class SpecTrainer(Trainer[CleanedRecipes, Model, SpecFigures]):
    """Trains a model that is described by a `Spec`."""

    libraries = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "xgboost-cpu")
    tolerance = TOLERANCE
    unit = "IBU"

    def __init__(
        self,
        spec: Spec,
        dataset: RecipeDataset,
        protocol: EvaluationProtocol,
        parameters: Parameters | None = None,
        log: Log = silent,
    ) -> None:
        """Initialize the trainer.

        Args:
            spec: The model.
            dataset: The recipes.
            protocol: How figures are measured; its seed is the run's.
            parameters: How the model is trained; the spec's defaults if None.
            log: Receives a line on each step.
        """
        super().__init__(log)
        self.name = spec.name
        self.spec = spec
        self.dataset = dataset
        self.protocol = protocol
        self.parameters = parameters or spec.defaults

    def load(self) -> CleanedRecipes:
        """Clean the recipes.

        Raises:
            DataError: If no recipe is left.
        """
        frame, cleaning = clean(self.dataset.recipes, (*rules(), *self.spec.rules()))
        for step in cleaning:
            if step.rows_affected:
                self.log(
                    f"  {step.rule}: {step.rows_affected} rows {step.action}, {step.rows_after} left: "
                    f"{step.description}"
                )
        data = rows(self.spec, frame)
        self.log(f"{len(data.labels)} beers in {len(np.unique(data.groups))} groups")
        return CleanedRecipes(self.dataset, cleaning, data, self.spec.kinds(frame) if self.spec.kinds else {})

    def fit(self, data: CleanedRecipes) -> Model:
        """Fit the trees and calibrate the interval on all rows.

        Raises:
            DataError: If there are too few groups for the folds.
        """
        return fit(self.spec, self.parameters, data.rows, self.protocol.seed)

    def export(self, model: Model) -> bytes:
        """Export the whole function, from the declared inputs to the interval."""
        return graph_bytes(model)

    def difference(self, data: CleanedRecipes, model: Model, graph: bytes) -> float:
        """Return the largest difference, on the training rows and on random ones, in IBU."""
        return largest_difference(model, graph, data.rows.inputs, self.protocol.seed)

    def evaluate(self, data: CleanedRecipes, model: Model, graph: bytes) -> SpecFigures:
        """Measure the model and its baselines on grouped folds.

        Raises:
            DataError: If there are too few groups for the folds.
        """
        evaluation = evaluate(self.spec, self.parameters, data.rows, self.protocol)
        if known_data(self.spec, self.dataset.sha256) is None:
            return SpecFigures(evaluation, {}, data.kinds)
        more = prepare(self.spec, self.dataset.recipes, LEAKING_IBU)
        older = leaking_rmse(self.spec, self.parameters, more, self.protocol.seed)
        return SpecFigures(evaluation, older, data.kinds)

    def describe(self, run: SpecRun) -> Description:
        """Return the part of the manifest that is specific to the model."""
        data = run.data.rows
        outputs = predict_with_graph(run.graph, data.inputs)
        answers = outputs[:, 0]
        inputs = declared_inputs(self.spec, data.inputs)
        known = known_data(self.spec, self.dataset.sha256)
        return Description(
            description=self.spec.description,
            inputs=inputs,
            packed=PACKED,
            outputs=tuple(
                Output(name=name, datatype="FP32", unit="IBU", description=_description(name))
                for name in outputs_of(self.parameters)
            ),
            coverage=self.parameters.coverage,
            explanation=explanation(self.spec, data.inputs, answers),
            protocol=self.protocol.sentence(len(data.labels), len(np.unique(data.groups))),
            figures={
                **run.figures.values(),
                KEY: distribution(inputs, data.inputs, answers_of(dict(zip(OUTPUTS, outputs.T, strict=True)))),
            },
            training_data=TrainingData(
                source=self.dataset.source,
                origin=self.origin or (known.origin if known else ""),
                licence=self.licence or (known.licence if known else ""),
                sha256=self.dataset.sha256,
                rows_read=run.data.cleaning[0].rows_before,
                rows_used=len(data.labels),
                cleaning=run.data.cleaning,
            ),
            parameters=self._parameters(run.model),
            golden=golden(self.spec, run.graph, outputs_of(self.parameters)),
        )

    def card(self, run: SpecRun, about: Manifest) -> str:
        """Return the model card in Markdown."""
        return spec_card(about, self.spec, len(np.unique(run.data.rows.groups)))

    def faults(self, run: SpecRun) -> list[str]:
        """Return the baselines that are better than the model."""
        return [f"is worse than the baseline {better}" for better in better_baselines(run.figures.values())]

    def extra_files(self, run: SpecRun, about: Manifest) -> Mapping[str, bytes]:
        """Return the trees in XGBoost's format, and the digests of the beers trained on."""
        trees = bytes(run.model.ensemble.booster.save_raw("ubj"))
        return {BOOSTER: trees, TRAINED_ON: TrainedOn.of(self.spec, run.data.rows).to_bytes()}

    def _parameters(self, model: Model) -> dict[str, Any]:
        trend = model.ensemble.trend
        return {
            **self.parameters.model_dump(mode="json"),
            "seed": self.protocol.seed,
            "chosen": self._chosen(),
            "monotone": dict(self.spec.monotone),
            "evaluation": {"folds": self.protocol.folds, "repeats": self.protocol.repeats},
            "trend": {"column": self.spec.trend.column, **trend._asdict()} if trend and self.spec.trend else None,
            "interval": {
                name: {"scale": bound.scale.model_dump(mode="json"), "shift": bound.shift}
                for name, bound in zip(
                    outputs_of(self.parameters)[1:],
                    [bound for bounds in ((model.lower, model.upper), *model.further) for bound in bounds],
                    strict=True,
                )
            },
            "model.ubj": self.spec.prose.booster,
        }

    def _chosen(self) -> dict[str, Any]:
        """How the parameters were chosen; figures on other data are left out."""
        chosen = dict(self.spec.chosen)
        if chosen.get("sha256") == self.dataset.sha256:
            return chosen
        return {name: chosen[name] for name in ("by", "sha256", "chosen") if name in chosen}


def prepare(spec: Spec, recipes: tuple[Recipe, ...], ibu_high: float = IBU_HIGH) -> Data:
    """Clean recipes and convert them to rows.

    Args:
        spec: The model.
        recipes: The recipes, before cleaning.
        ibu_high: Largest label kept.

    Raises:
        DataError: If no recipe is left.
    """
    return rows(spec, clean(recipes, (*rules(ibu_high=ibu_high), *spec.rules()))[0])


def rows(spec: Spec, frame: pd.DataFrame) -> Data:
    """Convert cleaned recipes to rows.

    Args:
        spec: The model.
        frame: From `training.cleaning.clean`, with the spec's own rules among those applied.
    """
    nameless = spec.nameless(frame) if spec.nameless else None
    return Data(spec.rows(frame), frame["ibu"].to_numpy(np.float32), related(frame), nameless)


def declared_inputs(spec: Spec, inputs: Array) -> tuple[Input, ...]:
    """Declare the inputs, with the range and the deciles of the rows trained on.

    Args:
        spec: The model.
        inputs: Declared inputs, shape (n_rows, n_inputs).
    """
    return tuple(
        declared_input(column.name, column.unit, column.description, values, column.optional, column.decimals)
        for column, values in zip(spec.inputs, inputs.T, strict=True)
    )


def _description(name: str) -> str:
    """Describe an output; ``lower_80`` is a bound of the interval that covers 80 %."""
    end, _, coverage = name.partition("_")
    if end not in _ENDS:
        return "Bitterness"
    return f"{_ENDS[end]} end of the prediction interval" + (f" that covers {coverage} %" if coverage else "")


def golden(spec: Spec, graph: bytes, names_of_outputs: Sequence[str]) -> Golden:
    """Answer the spec's golden rows with the exported graph.

    Args:
        spec: The model.
        graph: The ONNX file.
        names_of_outputs: The graph's outputs.
    """
    names = [column.name for column in spec.inputs]
    inputs = np.array([[row.get(name, math.nan) for name in names] for row in spec.golden], dtype=np.float32)
    answers = predict_with_graph(graph, inputs, names_of_outputs)
    return Golden(
        inputs={name: [row.get(name) for row in spec.golden] for name in names},
        outputs={name: [round(float(value), 4) for value in answers[:, i]] for i, name in enumerate(names_of_outputs)},
        tolerance=TOLERANCE,
    )
