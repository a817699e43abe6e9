"""What the beer domain answers to a beer: the prediction and its parts, with examples."""

from typing import NotRequired

from pydantic import ConfigDict, JsonValue, with_config
from typing_extensions import TypedDict

from app.domains.api import ModelRef, Warning

EXAMPLE_PREDICTION: dict[str, JsonValue] = {
    "ibu": 48.2,
    "interval": {"lower": 14.7, "upper": 58.5, "coverage": 0.9},
    "model": {"name": "beer-ibu", "version": "2"},
    "warnings": [],
    "bu_gu": 0.86,
}
EXAMPLE_ADDITIONS: list[JsonValue] = [
    {
        "field": "hops.0",
        "name": "Magnum",
        "tinseth": 16.4,
        "rager": 22.4,
        "garetz": 14.5,
        "physical": 23.9,
        "model": 17.0,
        "reason": "The formulas count 60 minutes of boil differently: of the alpha acid of a small dose Tinseth counts "
        "23 %, Rager 31 %, Garetz 21 % and the physical estimate 32 %.",
    },
    {
        "field": "hops.1",
        "name": "Simcoe",
        "tinseth": 7.1,
        "rager": 9.0,
        "garetz": 0.0,
        "physical": 17.7,
        "model": 13.8,
        "reason": "The stage end counts as 5 minutes of boil: of the alpha acid of a small dose Tinseth counts 5 %, "
        "Rager 6 %, Garetz 0 % and the physical estimate 11 %.",
    },
    {
        "field": "hops.2",
        "name": "Simcoe",
        "tinseth": 0.0,
        "rager": 0.0,
        "garetz": 0.0,
        "physical": 0.0,
        "model": 0.0,
    },
]
"""The additions in `EXAMPLE_EXPLAINED`."""
EXAMPLE_EXPLAINED: dict[str, JsonValue] = {
    "ibu": 39.3,
    "interval": {"lower": 20.8, "upper": 66.9, "coverage": 0.9},
    "model": {"name": "beer-ibu-recipe", "version": "2"},
    "warnings": [],
    "bu_gu": 0.7,
    "assumptions": [
        {"field": "hops.1.alpha_acid", "value": 13.0, "unit": "%", "reason": "typical of Simcoe"},
        {"field": "hops.2.alpha_acid", "value": 13.0, "unit": "%", "reason": "typical of Simcoe"},
    ],
    "estimates": {"tinseth": 23.5, "physical": 41.7, "rager": 31.5, "garetz": 14.5},
    "explanation": {
        "base_value": 52.7,
        "contributions": [
            {
                "group": "bittering hops",
                "inputs": ["hops"],
                "assumed": [],
                "ibu": -10.1,
                "text": "10.1 IBU less than with the bittering hops of a typical beer.",
            },
            {
                "group": "late hops",
                "inputs": ["hops"],
                "assumed": [],
                "ibu": -3.0,
                "text": "3.0 IBU less than with the late hops of a typical beer.",
            },
            {
                "group": "malt and yeast",
                "inputs": ["malts", "yeast"],
                "assumed": [],
                "ibu": 1.2,
                "text": "1.2 IBU more than with the malt and yeast of a typical beer.",
            },
            {
                "group": "colour",
                "inputs": ["ebc", "srm"],
                "assumed": [],
                "ibu": -0.8,
                "text": "0.8 IBU less than with the colour of a typical beer.",
            },
            {
                "group": "pH",
                "inputs": ["ph"],
                "assumed": [],
                "ibu": -0.7,
                "text": "0.7 IBU less than with the pH of a typical beer.",
            },
            {
                "group": "strength",
                "inputs": ["abv", "target_og", "target_fg"],
                "assumed": [],
                "ibu": 0.0,
                "text": "The same as with the strength of a typical beer.",
            },
            {
                "group": "dry hops",
                "inputs": ["hops"],
                "assumed": [],
                "ibu": 0.0,
                "text": "The same as with the dry hops of a typical beer.",
            },
        ],
        "additions": EXAMPLE_ADDITIONS,
    },
}
"""What the committed model answers to `EXAMPLE_RECIPE`."""


class Interval(TypedDict):
    """Interval that contains the bitterness with the probability `coverage`, IBU."""

    lower: float
    upper: float
    coverage: float


class Estimates(TypedDict):
    """Estimates by formula, IBU, beside `ibu`, which is what the brewery of the training data would state.

    `tinseth` is what brewing software shows. `physical` is what a laboratory might measure: the chemistry of the boil
    with the losses of trub and fermentation. `rager` and `garetz` are two older formulas, only with an explanation.
    """

    tinseth: float
    physical: float
    rager: NotRequired[float]
    garetz: NotRequired[float]


class StyleBitterness(TypedDict):
    """Bitterness of a style from `low` to `high`, IBU, and how the prediction compares with it.

    `inside` says whether the prediction is in this range, `probability` how probable it is that the beer is.
    """

    low: float
    high: float
    inside: bool
    probability: float


class StyleMatch(TypedDict):
    """The style of the beer by the BJCP guidelines of 2021; `bitterness` is missing if they give no range."""

    code: str
    name: str
    bitterness: NotRequired[StyleBitterness]


class Assumption(TypedDict):
    """A value that the request does not state and the prediction uses."""

    field: str
    value: float
    unit: str
    reason: str


class ReferenceShift(TypedDict):
    """How reference beers move a prediction.

    `beers` is how many of them the model could read; `ibu` is how far the prediction is moved, IBU.
    """

    beers: int
    ibu: float


class Contribution(TypedDict):
    """How far a group of inputs moves the bitterness from that of typical beers, IBU.

    `assumed` lists the `inputs` that the request does not state; `text` says the same in a sentence.
    """

    group: str
    inputs: list[str]
    assumed: list[str]
    ibu: float
    text: str


class AdditionEstimates(TypedDict):
    """What one addition of hops adds to the bitterness, by each formula and by the model, IBU.

    `field` is its place in the request, such as `hops.0`. `model` is the prediction less that for the same beer without
    the addition. `reason` says why the formulas differ, where the lowest is more than a fifth below the highest.
    """

    field: str
    name: str
    tinseth: float
    rager: float
    garetz: float
    physical: float
    model: float
    reason: NotRequired[str]


class UntoldPart(TypedDict):
    """A part of the beer that is missing from the request, and that would make the prediction more certain.

    `mean_error` is the mean error of held-out beers with the same inputs as this request, IBU; `mean_error_told` that
    of beers that have `inputs` as well. `text` states the same in a sentence.
    """

    group: str
    inputs: list[str]
    mean_error: float
    mean_error_told: float
    text: str


class Explanation(TypedDict):
    """Explanation of a prediction: `base_value`, the mean of typical beers, and the contributions add up to `ibu`.

    `additions`, of a beer with hops, says what each of them adds. `untold` lists what would make the prediction more
    certain, the most useful first.
    """

    base_value: float
    contributions: list[Contribution]
    additions: NotRequired[list[AdditionEstimates]]
    untold: NotRequired[list[UntoldPart]]


@with_config(ConfigDict(json_schema_extra={"examples": [EXAMPLE_PREDICTION, EXAMPLE_EXPLAINED]}))
class Prediction(TypedDict):
    """Prediction for one beer; `intervals` are those of the requested coverages, in their order.

    `quantiles` are as many equally probable bitternesses as were requested, IBU, in ascending order. `bu_gu` is `ibu`
    divided by the points of the original gravity above 1000, the ratio of bitterness units to gravity units (Ray
    Daniels, *Designing Great Beers*, 1996); it is missing if there are none.
    """

    ibu: float
    interval: Interval
    model: ModelRef
    warnings: list[Warning]
    bu_gu: NotRequired[float]
    intervals: NotRequired[list[Interval]]
    quantiles: NotRequired[list[float]]
    assumptions: NotRequired[list[Assumption]]
    estimates: NotRequired[Estimates]
    style: NotRequired[StyleMatch]
    reference: NotRequired[ReferenceShift]
    explanation: NotRequired[Explanation]


class Predictions(TypedDict):
    """Predictions for a batch, in its order; `warnings` are about the batch's reference beers."""

    predictions: list[Prediction]
    warnings: NotRequired[list[Warning]]
