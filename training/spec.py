"""The specification of a beer model: declared inputs, features, parameters and texts."""

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
from training.trend import TrendKind

Baseline = Callable[[Array, Array, Array], Array]
"""Takes training inputs (n, k), training labels (n,) and test inputs (m, k); returns predictions (m,)."""


class Data(NamedTuple):
    """Rows to train and test on."""

    inputs: Array
    """Declared inputs, shape (n_rows, n_inputs), float32, NaN where missing."""
    labels: Array
    """IBU, shape (n_rows,), float32."""
    groups: Groups
    """Each row's group of related beers, shape (n_rows,)."""
    nameless: Array | None = None
    """The inputs where no hop's variety is known, shape (n_rows, n_inputs); None if the model does not know hops."""

    def where(self, rows: npt.NDArray[np.bool_]) -> "Data":
        """Select rows."""
        nameless = None if self.nameless is None else self.nameless[rows]
        return Data(self.inputs[rows], self.labels[rows], self.groups[rows], nameless)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Boosting(_Part):
    """Hyper-parameters of one target's trees."""

    level: float = Field(default=0.5, gt=0, lt=1)
    """Quantile that the loss estimates: 0.5 for the centre."""
    rounds: int = Field(ge=1)
    max_depth: int = Field(ge=1)
    eta: float = Field(gt=0)
    subsample: float = Field(gt=0, le=1)
    colsample_bylevel: float = Field(gt=0, le=1)
    reg_lambda: float = Field(ge=0)
    min_child_weight: float = Field(ge=0)
    loss: Literal["huber", "quantile"]
    """``huber``: smooth and asymmetric, keeps monotone constraints; ``quantile``: XGBoost's pinball loss, whose leaves
    are re-fitted to the level."""
    delta: float = Field(default=1.0, gt=0)
    """Residual, in the target's unit, where the pseudo-Huber loss turns from square to absolute."""
    tree_method: Literal["exact", "hist"] = "exact"
    trend: bool
    """Whether the trees are fitted to the residuals of a saturation curve of the spec's trend column."""
    monotone: bool
    """Whether the spec's monotone constraints apply."""
    without: tuple[str, ...] = ()
    """Features of the model that this target's trees do not use."""


class Parameters(_Part):
    """Hyper-parameters of a model; ``select`` writes them, and the manifest states them."""

    features: tuple[str, ...] = Field(min_length=1)
    """The spec's features that the trees use, in order."""
    target: Scale = Scale()
    """Scale of the trees' target."""
    centre: Boosting
    fallback: Boosting | None = None
    """Trees that take the centre's place where the spec's ``told`` feature is missing; None if the centre has no
    substitute."""
    quantiles: tuple[Boosting, ...] = Field(max_length=2)
    """Trees for the lower and the upper bound; if empty, the bounds are shifts of the centre."""
    seeds: int = Field(ge=1)
    """Ensembles averaged for each target."""
    coverage: float = Field(default=0.9, gt=0, lt=1)
    """Share of beers that the interval promises to cover, and of out-of-fold beers that it is calibrated to cover."""
    score: Scale = Scale()
    """Scale on which conformal scores are distances."""
    two_sided: bool
    """Whether each bound has its own shift, for half of the misses."""
    calibration_folds: int = Field(default=5, ge=2)
    calibration_splits: int = Field(default=8, ge=1)
    """Grouped splits into folds over which the interval's shift is averaged."""
    calibration_seeds: int = Field(default=1, ge=1)
    least_spread: float | None = Field(default=None, gt=0)
    """If given, the bounds are the centre moved by a multiple of the distances that follow from centre and spread, half
    the distance of the quantiles (see `training.conformal.distances`), and this is the least spread, in roots of IBU.
    Otherwise the bounds are the quantiles (or the centre), shifted."""
    most_upper: float | None = Field(default=None, gt=0)
    """Largest upper bound, IBU, unless the prediction itself is larger; None for no limit."""
    further: tuple[float, ...] = ()
    """Coverages of further intervals, around the same centre and calibrated alike."""
    ceiling: bool = True
    """Whether the spec's ceiling applies, if it has one."""

    @property
    def targets(self) -> tuple[Boosting, ...]:
        """The booster's targets: centre, lower, upper, and the centre's fallback."""
        return (self.centre, *self.quantiles, *([self.fallback] if self.fallback else []))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.quantiles) == 1:
            raise ValueError("quantiles are two, lower and upper, or none")
        if self.least_spread and not self.quantiles:
            raise ValueError("the spread is the distance of two quantiles")
        if self.least_spread and self.score.kind != "sqrt":
            raise ValueError("the spread is on the scale of roots: so must the scores be")
        return self


@dataclass(frozen=True)
class Prose:
    """Texts of a model's card that are true whatever it is trained on."""

    use: str
    misuse: str
    faults: tuple[str, ...]
    files: str
    booster: str
    """How ``model.ubj`` and the parameters give the prediction."""
    unused: Mapping[str, str] = field(default_factory=dict)
    """Faults of a model whose parameters leave out a feature, by the feature's name."""


@dataclass(frozen=True)
class KnownData:
    """What is known of certain training data. A card says it only of a run on exactly these data."""

    sha256: str
    """Digest of the data."""
    origin: str
    licence: str
    use: str
    misuse: str
    data: str
    faults: tuple[str, ...]
    unseen: str
    """What is known of beers that took no part in training, measured elsewhere."""
    older_rmse: float
    """RMSE of an older model on these data, on row-wise folds, labels below 1000 IBU."""


@dataclass(frozen=True)
class Spec:
    """A beer model."""

    name: str
    """The bundle's name."""
    description: str
    inputs: tuple[BeerInput, ...]
    rows: Callable[[pd.DataFrame], Array]
    """Converts cleaned recipes to declared inputs, shape (n_rows, n_inputs)."""
    features: Callable[[Columns], dict[str, Array]]
    """Computes the features from the declared inputs. Numpy arithmetic only, as it is traced into the ONNX graph."""
    trend: TrendKind | None
    """The curve under the trees; None if there is none."""
    monotone: Mapping[str, Literal[-1, 0, 1]]
    """Features with which the prediction may only rise (1) or fall (-1); others are unconstrained."""
    defaults: Parameters
    chosen: Mapping[str, Any]
    """How the defaults were chosen."""
    candidates: Mapping[str, Parameters]
    """Parameters among which ``select`` chooses."""
    baselines: Mapping[str, Baseline]
    golden: tuple[Mapping[str, float], ...]
    """Rows by input name, optional inputs left out if missing, whose outputs every bundle's manifest states."""
    prose: Prose
    known_data: KnownData
    """What is known of the committed model's training data."""
    background: int
    """Number of representative rows against which reasons are computed; more are slower."""
    rules: Callable[[], tuple[Rule, ...]] = tuple
    """Returns further cleaning rules. A function, as specs are pickled and rules cannot be."""
    told: str | None = None
    """The feature whose absence calls for the fallback."""
    ceiling: Callable[[Columns], Array] | None = None
    """Computes the maximum bitterness, IBU, from the features; traced into the ONNX graph."""
    withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Sets of optional inputs; the evaluation also measures the model without them."""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Inputs that a request's optional fields tell, by field; the evaluation measures every subset of them missing."""
    nameless: Callable[[pd.DataFrame], Array] | None = None
    """Converts cleaned recipes to declared inputs as if no hop's variety were known; None without hops."""
    kinds: Callable[[pd.DataFrame], dict[str, list[str]]] | None = None
    """Sorts cleaned recipes into kinds, by what they are sorted by; the evaluation has figures by kind."""
    ablation: Mapping[str, Parameters] = field(default_factory=dict)
    """Variants that ``ablate`` measures on the reported folds; nothing is chosen by these figures."""


def known_data(spec: Spec, sha256: str) -> KnownData | None:
    """Return what is known of training data; None if they are not the committed model's.

    Args:
        spec: The model.
        sha256: Digest of the data.
    """
    return spec.known_data if sha256 == spec.known_data.sha256 else None


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
    """Return the declared inputs as named columns.

    Args:
        spec: The model.
        inputs: shape (n_rows, n_inputs).
    """
    return {column.name: inputs[:, i] for i, column in enumerate(spec.inputs)}


def feature_matrix(spec: Spec, parameters: Parameters, inputs: Array) -> Array:
    """Compute the trees' features.

    Args:
        spec: The model.
        parameters: Selects the features.
        inputs: Declared inputs, shape (n_rows, n_inputs), float32.

    Returns:
        shape (n_rows, n_features), float32, in the order of ``parameters.features``.
    """
    features = spec.features(named(spec, inputs))
    return np.column_stack([features[name] for name in parameters.features]).astype(np.float32, copy=False)


def read_defaults(package: str, name: str) -> tuple[Parameters, dict[str, Any]]:
    """Read a model's committed defaults.

    Args:
        package: Package that holds them as ``<name>.json``.
        name: The model's name.

    Returns:
        The parameters, and how they were chosen.
    """
    document = json.loads(files(package).joinpath(f"{name}.json").read_text("utf-8"))
    return Parameters.model_validate_json(json.dumps(document["parameters"])), document["chosen"]
