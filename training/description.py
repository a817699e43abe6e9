"""The manifest: what is specific to a model, and what all manifests share."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from app.bundle.manifest import Explanation, Golden, Input, Manifest, Metrics, Output, TrainingData


@dataclass(frozen=True, kw_only=True)
class Description:
    """The part of a manifest that is specific to a model; see `Manifest`."""

    description: str
    inputs: tuple[Input, ...]
    packed: str | None = None
    outputs: tuple[Output, ...]
    coverage: float | None = None
    explanation: Explanation | None = None
    protocol: str
    """How the figures were measured, in words."""
    figures: Mapping[str, Any]
    training_data: TrainingData
    parameters: Mapping[str, Any]
    golden: Golden


def manifest(name: str, number: str, libraries: Sequence[str], about: Description) -> Manifest:
    """Build a manifest.

    Args:
        name: The bundle's name.
        number: The bundle's version.
        libraries: Distributions whose versions are recorded.
        about: What is specific to the model.
    """
    return Manifest(
        format_version=1,
        name=name,
        version=number,
        description=about.description,
        inputs=about.inputs,
        packed=about.packed,
        outputs=about.outputs,
        coverage=about.coverage,
        explanation=about.explanation,
        metrics=Metrics(protocol=about.protocol, values=rounded(about.figures)),
        training_data=about.training_data,
        parameters=dict(about.parameters),
        libraries={"python": platform.python_version(), **{library: version(library) for library in libraries}},
        golden=about.golden,
    )


def declared_input(
    name: str, unit: str, description: str, values: npt.NDArray[Any], optional: bool = False, decimals: int = 2
) -> Input:
    """Declare a numeric input, with the range and the deciles of the values trained on.

    Args:
        name: The input's name.
        unit: Its unit.
        description: What it is.
        values: The values trained on, NaN where missing, shape (n_rows,).
        optional: Whether it may be missing.
        decimals: Decimals of range and deciles.
    """
    known = np.sort(values[~np.isnan(values)].astype(np.float64))
    cuts = np.quantile(known, np.linspace(0, 1, 11)) if len(known) else []
    figures = [round(float(cut), decimals) for cut in cuts]
    return Input(
        name=name,
        datatype="FP32",
        unit=unit,
        description=description,
        trained_range=(figures[0], figures[-1]) if figures else None,
        optional=optional,
        deciles=tuple(figures[1:-1]) if figures else None,
    )


def rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Round all figures, however deeply nested, to four decimals."""
    values: dict[str, Any] = json.loads(json.dumps(figures), parse_float=lambda text: round(float(text), 4))
    return values
