"""What one model is: its declared inputs, its features, its shape; a second model is one more Spec."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.domains.beer.inputs import BeerInput
from training.arrays import Array as Array
from training.arrays import Columns as Columns
from training.arrays import Groups as Groups
from training.cleaning import Rule
from training.scale import Scale

Baseline = Callable[[Array, Array, Array], Array]
"""Training inputs (n, k), training labels (n,), test inputs (m, k) -> predictions (m,)."""


class Data(NamedTuple):
    """Rows to train and test on."""

    inputs: Array
    """Declared inputs, shape (n_rows, n_inputs), float32, NaN where missing."""
    labels: Array
    """IBU, shape (n_rows,), float32."""
    groups: Groups
    """A row's group of related beers, shape (n_rows,)."""

    def where(self, rows: npt.NDArray[np.bool_]) -> "Data":
        """These rows only."""
        return Data(self.inputs[rows], self.labels[rows], self.groups[rows])


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Boosting(_Part):
    """How one target's trees are grown."""

    level: float = Field(default=0.5, gt=0, lt=1)
    """Quantile that the loss leans to: 0.5 for the centre."""
    rounds: int = Field(ge=1)
    max_depth: int = Field(ge=1)
    eta: float = Field(gt=0)
    subsample: float = Field(gt=0, le=1)
    colsample_bylevel: float = Field(gt=0, le=1)
    reg_lambda: float = Field(ge=0)
    min_child_weight: float = Field(ge=0)
    loss: Literal["huber", "quantile"]
    """``huber``: smooth, leaning to the level, keeps monotone constraints; ``quantile``: XGBoost's own pinball loss,
    whose leaves are re-fitted to the level."""
    delta: float = Field(default=1.0, gt=0)
    """Residual, in the target's unit, where the pseudo-Huber loss turns from square to absolute."""
    tree_method: Literal["exact", "hist"] = "exact"
    trend: bool
    """Whether the trees learn what a saturation curve of the spec's trend column leaves over."""
    monotone: bool
    """Whether the spec's monotone constraints hold."""


class Parameters(_Part):
    """All that is chosen of a model before it sees data; ``select`` writes it, the bundle's manifest repeats it."""

    features: tuple[str, ...] = Field(min_length=1)
    """Those of the spec's features that the trees see, in order."""
    target: Scale = Scale()
    """What the trees learn."""
    centre: Boosting
    quantiles: tuple[Boosting, ...] = Field(max_length=2)
    """Trees for the lower and the upper bound; none: the bounds are drawn around the centre."""
    seeds: int = Field(ge=1)
    """Ensembles averaged for each target."""
    coverage: float = Field(default=0.9, gt=0, lt=1)
    """Share of beers that the interval promises to hold."""
    level: float = Field(default=0.9, gt=0, lt=1)
    """Share of out-of-fold beers that it is set to hold: lower where out-of-fold models, which saw fewer beers, make
    it wider than it need be."""
    score: Scale = Scale()
    """Conformal scores are distances on this scale."""
    two_sided: bool
    """Whether both bounds have their own constant, each for half of the misses."""
    calibration_folds: int = Field(default=5, ge=2)
    calibration_seeds: int = Field(default=1, ge=1)
    ceiling: bool = True
    """Whether the spec's ceiling holds, where it has one."""

    @property
    def targets(self) -> tuple[Boosting, ...]:
        """Centre, lower, upper: what the booster has margins for."""
        return (self.centre, *self.quantiles)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.target.kind != "identity" and any(boosting.trend for boosting in self.targets):
            raise ValueError("the trend is a curve of the IBU itself: the target must be, too")
        if len(self.quantiles) == 1:
            raise ValueError("quantiles are two, lower and upper, or none")
        return self


@dataclass(frozen=True)
class Prose:
    """What a model's card says in words."""

    use: str
    misuse: str
    data: str
    faults: str
    files: str
    booster: str
    """How ``model.ubj`` and the parameters make the answer."""


@dataclass(frozen=True)
class Spec:
    """One model: what it is called, what goes in, and how features come of it."""

    name: str
    """The bundle's name."""
    description: str
    inputs: tuple[BeerInput, ...]
    rows: Callable[[pd.DataFrame], Array]
    """Cleaned beers -> declared inputs, shape (n_rows, len(inputs))."""
    features: Callable[[Columns], dict[str, Array]]
    """Declared inputs -> the trees' features: numpy arithmetic only, for it is traced into the ONNX graph too."""
    trend_column: str | None
    """The feature that the trend curve rises with, where there is one."""
    monotone: Mapping[str, Literal[-1, 0, 1]]
    """Features that the answer may only rise (1) or fall (-1) with; others are free."""
    defaults: Parameters
    chosen: Mapping[str, Any]
    """How the defaults were chosen."""
    candidates: Mapping[str, Parameters]
    """What ``select`` chooses among."""
    baselines: Mapping[str, Baseline]
    golden: tuple[Mapping[str, float], ...]
    """Rows by input name, optional inputs left out if missing, whose outputs every bundle's manifest states."""
    prose: Prose
    background: int
    """Representative rows that reasons are computed against: the more, the slower."""
    rules: Callable[[], tuple[Rule, ...]] = tuple
    """Cleaning rules beside the common ones; a function, for a spec goes to other processes and rules cannot."""
    ceiling: Callable[[Columns], Array] | None = None
    """Features -> the most bitterness that there can be, IBU; traced into the ONNX graph too."""
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Optional inputs that many will not tell: the evaluation says what the answer is worth without them."""
    ablation: Mapping[str, Parameters] = field(default_factory=dict)
    """Variants that ``ablate`` measures on the reported folds; nothing is chosen by it."""


def groups(spec: Spec) -> dict[str, tuple[str, ...]]:
    """Names of the inputs of each group that an explanation counts as one, in the order of the declarations.

    Args:
        spec: The model.
    """
    names = dict.fromkeys(column.group for column in spec.inputs)
    return {name: tuple(column.name for column in spec.inputs if column.group == name) for name in names}


def random_ranges(spec: Spec) -> Array:
    """Ranges of random values for the parity check: what the service accepts, with a finite upper end.

    Args:
        spec: The model.

    Returns:
        shape (n_inputs, 2), float64.
    """
    return np.array([(c.low, c.high if c.random_high is None else c.random_high) for c in spec.inputs])


def column_of(inputs: Sequence[BeerInput], name: str) -> int:
    """Index of an input's column.

    Args:
        inputs: The declared inputs, in order.
        name: Name of the input.
    """
    return [column.name for column in inputs].index(name)


def named(spec: Spec, inputs: Array) -> dict[str, Array]:
    """The declared inputs as named columns.

    Args:
        spec: The model.
        inputs: shape (n_rows, n_inputs).
    """
    return {column.name: inputs[:, i] for i, column in enumerate(spec.inputs)}


def feature_matrix(spec: Spec, parameters: Parameters, inputs: Array) -> Array:
    """The trees' features.

    Args:
        spec: The model.
        parameters: Says which features.
        inputs: Declared inputs, shape (n_rows, n_inputs), float32.

    Returns:
        shape (n_rows, n_features), float32, in the order of ``parameters.features``.
    """
    found = spec.features(named(spec, inputs))
    return np.column_stack([found[name] for name in parameters.features]).astype(np.float32, copy=False)


def read_defaults(package: str, name: str) -> tuple[Parameters, dict[str, Any]]:
    """A model's committed defaults.

    Args:
        package: Package that holds them as ``<name>.json``.
        name: The model's name.

    Returns:
        The parameters, and the note on how they were chosen.
    """
    document = json.loads(files(package).joinpath(f"{name}.json").read_text("utf-8"))
    return Parameters.model_validate_json(json.dumps(document["parameters"])), document["chosen"]
