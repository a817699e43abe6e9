"""What a bundle says of itself, drawn from the rows, the evaluation and the graph."""

import json
import math
import platform
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np

from app.bundle.manifest import CleaningStep, Golden, Input, Manifest, Metrics, Output, TrainingData
from training.evaluate import Evaluation
from training.export import PACKED, TOLERANCE, run_graph
from training.model import OUTPUTS, Model
from training.reasons import explanation
from training.sources import RecipeDataset
from training.spec import Array, Data, Spec

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "xgboost-cpu")
_DESCRIPTIONS = {
    "ibu": "Bitterness",
    "lower": "Lower end of the prediction interval",
    "upper": "Upper end of the prediction interval",
}


class Trained(NamedTuple):
    """All that one training run knows."""

    dataset: RecipeDataset
    cleaning: tuple[CleaningStep, ...]
    data: Data
    model: Model
    evaluation: Evaluation
    leaking_rmse: dict[str, float]
    chosen: dict[str, Any]
    seed: int
    graph: bytes


def manifest(trained: Trained, version_number: str) -> Manifest:
    """The manifest of this run's bundle.

    Args:
        trained: The run.
        version_number: The bundle's version.
    """
    spec = trained.model.ensemble.spec
    used = len(trained.data.labels)
    return Manifest(
        format_version=1,
        name=spec.name,
        version=version_number,
        description=spec.description,
        inputs=declared_inputs(spec, trained.data.inputs),
        packed=PACKED,
        outputs=tuple(
            Output(name=name, datatype="FP32", unit="IBU", description=_DESCRIPTIONS[name]) for name in OUTPUTS
        ),
        coverage=trained.model.ensemble.parameters.coverage,
        explanation=explanation(spec, trained.data.inputs, run_graph(trained.graph, trained.data.inputs)[:, 0]),
        metrics=Metrics(protocol=protocol(trained), values=metrics(trained)),
        training_data=TrainingData(
            source=trained.dataset.source,
            sha256=trained.dataset.sha256,
            rows_read=len(trained.dataset.recipes),
            rows_used=used,
            cleaning=trained.cleaning,
        ),
        parameters=_parameters(trained),
        libraries=_libraries(),
        golden=golden(spec, trained.graph),
    )


def declared_inputs(spec: Spec, inputs: Array) -> tuple[Input, ...]:
    """The inputs with the range and the deciles of the rows trained on.

    Args:
        spec: The model.
        inputs: shape (n_rows, n_inputs).
    """
    found = []
    for column, values in zip(spec.inputs, inputs.T, strict=True):
        known = np.sort(values[~np.isnan(values)].astype(np.float64))
        cuts = np.quantile(known, np.linspace(0, 1, 11)) if len(known) else []
        figures = [round(float(cut), column.decimals) for cut in cuts]
        found.append(
            Input(
                name=column.name,
                datatype="FP32",
                unit=column.unit,
                description=column.description,
                trained_range=(figures[0], figures[-1]) if figures else None,
                optional=column.optional,
                deciles=tuple(figures[1:-1]) if figures else None,
            )
        )
    return tuple(found)


def protocol(trained: Trained) -> str:
    """How the figures were measured, in a few sentences."""
    data = trained.data
    return trained.evaluation.protocol.sentence(len(data.labels), len(np.unique(data.groups)))


def metrics(trained: Trained) -> dict[str, Any]:
    """All figures, four digits behind the point."""
    evaluation = trained.evaluation
    return _rounded(
        {
            **evaluation.table()["model"],
            "baselines": {name: figures for name, figures in evaluation.table().items() if name != "model"},
            "paired": evaluation.paired(),
            "bands": evaluation.by_band(),
            "not_told": evaluation.without(),
            "leaking_rowwise_rmse_below_1000_ibu": trained.leaking_rmse,
        }
    )


def _parameters(trained: Trained) -> dict[str, Any]:
    model = trained.model
    spec, trend = model.ensemble.spec, model.ensemble.trend
    return {
        **model.ensemble.parameters.model_dump(mode="json"),
        "seed": trained.seed,
        "chosen": trained.chosen,
        "monotone": dict(spec.monotone),
        "evaluation": {"folds": trained.evaluation.protocol.folds, "repeats": trained.evaluation.protocol.repeats},
        "trend": {"column": spec.trend_column, **trend._asdict()} if trend else None,
        "interval": {
            name: {"scale": bound.scale.model_dump(mode="json"), "shift": bound.shift}
            for name, bound in (("lower", model.lower), ("upper", model.upper))
        },
        "model.ubj": spec.prose.booster,
    }


def _libraries() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def golden(spec: Spec, graph: bytes) -> Golden:
    """The spec's golden rows with what ONNX Runtime gives for them.

    Args:
        spec: The model.
        graph: The ONNX file.
    """
    names = [column.name for column in spec.inputs]
    rows = np.array([[row.get(name, math.nan) for name in names] for row in spec.golden], dtype=np.float32)
    given = {name: [row.get(name) for row in spec.golden] for name in names}
    found = run_graph(graph, rows)
    outputs = {name: [round(float(v), 4) for v in found[:, i]] for i, name in enumerate(OUTPUTS)}
    return Golden(inputs=given, outputs=outputs, tolerance=TOLERANCE)


def _rounded(value: dict[str, Any]) -> dict[str, Any]:
    rounded: dict[str, Any] = json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 4))
    return rounded
