"""The schema of questions for the weights of hops, and of their answers."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, NotRequired, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from app.domains.api import Example
from app.domains.beer.answers import Estimates, Prediction, StyleMatch
from app.domains.beer.ingredients import Hop, Name
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, MAX_ADDITIONS, Beer
from app.domains.beer.units import grams
from app.domains.quantities import Measured, Quantity, whole

MAX_QUESTIONS = 100
"""Questions in one batch."""
MAX_TARGET_IBU = 1000.0
"""Bitterness that can be asked for, IBU."""
_REQUEST = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

EXAMPLE_QUESTION: dict[str, JsonValue] = {
    "beer": {**EXAMPLE_RECIPE, "explain": False},
    "target": {"ibu": 40},
}
EXAMPLE_UNWEIGHED: dict[str, JsonValue] = {
    "beer": {
        **EXAMPLE_BEER,
        "style": "18B",
        "batch_volume_gal": 5,
        "hops": [
            {"name": "Magnum", "boil_minutes": 60},
            {"name": "Cascade", "amount_oz": 1, "boil_minutes": 5},
        ],
    },
    "target": {"own_style": True},
    "step_oz": 0.05,
}
EXAMPLE_QUESTIONS: dict[str, JsonValue] = {
    "questions": [EXAMPLE_QUESTION, {**EXAMPLE_QUESTION, "by": "tinseth", "move": [0], "upper_g": 50}],
}
QUESTION_EXAMPLES: dict[str, Example] = {
    "ibu": {"summary": "40 IBU: the boiled hops in their ratio", "value": EXAMPLE_QUESTION},
    "style": {"summary": "Inside the style: ounces of the hop without a weight", "value": EXAMPLE_UNWEIGHED},
}


class SolvedBy(StrEnum):
    """Figure that is to reach the target: the prediction, or an estimate by formula."""

    MODEL = "model"
    PHYSICAL = "physical"
    TINSETH = "tinseth"
    RAGER = "rager"
    GARETZ = "garetz"


class UnweighedHop(Hop):
    """One addition of hops, with its time as either `stage` or `boil_minutes`, and with or without its weight."""

    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("amount_g", "amount_oz", grams),
        *(quantity for quantity in Hop.quantities if quantity.field != "amount_g"),
    )


class UnweighedBeer(Beer):
    """A beer as `POST /predict` takes it, whose hops may come without weights."""

    hops: list[UnweighedHop] = Field(  # type: ignore[assignment]  # no other list is ever stored here
        min_length=1,
        max_length=MAX_ADDITIONS,
        description="The hop bill. Additions that move keep their ratio; those without a weight get equal weights.",
    )


Index = Annotated[int, Field(ge=0, lt=MAX_ADDITIONS), BeforeValidator(whole)]


class BitternessTarget(BaseModel):
    """What is asked for; exactly one of the fields."""

    model_config = _REQUEST

    ibu: float | None = Field(
        default=None, ge=0, le=MAX_TARGET_IBU, description="Bitterness, IBU.", json_schema_extra={"unit": "IBU"}
    )
    bu_gu: float | None = Field(
        default=None,
        ge=0,
        le=20,
        description="Bitterness divided by the gravity: IBU by points of the original gravity above 1000.",
    )
    style: Name | None = Field(
        default=None, description="Code or name of a style (BJCP 2021): the best chance to be inside its bitterness."
    )
    own_style: bool = Field(default=False, description="Whether to aim at the style that the beer states.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [self.ibu is not None, self.bu_gu is not None, self.style is not None, self.own_style]
        if sum(given) != 1:
            raise PydanticCustomError("one_target", "give exactly one of ibu, bu_gu, style and own_style")
        return self


class Question(Measured):
    """A beer and the bitterness that it is to have."""

    model_config = ConfigDict(**_REQUEST, json_schema_extra={"examples": [EXAMPLE_QUESTION, EXAMPLE_UNWEIGHED]})
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("lower_g", "lower_oz", grams),
        Quantity("upper_g", "upper_oz", grams),
        Quantity("step_g", "step_oz", grams),
    )

    beer: UnweighedBeer
    target: BitternessTarget
    by: Annotated[SolvedBy, Field(strict=False)] = Field(
        default=SolvedBy.MODEL, description="Figure that is to reach the target."
    )
    move: list[Index] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_ADDITIONS,
        description="Indexes of the additions whose weights may change, in one ratio. If missing, those without a "
        "weight; if there are none, those that are boiled (not whirlpool, mash or dry hops).",
    )
    lower_g: float | None = Field(
        default=None,
        ge=0,
        le=10_000_000,
        description="Least weight of each addition that moves, g. If missing, 0.",
        json_schema_extra={"unit": "g"},
    )
    lower_oz: float | None = Field(
        default=None,
        ge=0,
        le=350_000,
        description="The same in ounces, instead of `lower_g`.",
        json_schema_extra={"unit": "oz"},
    )
    upper_g: float | None = Field(
        default=None,
        ge=0,
        le=10_000_000,
        description="Greatest weight of each addition that moves, g. If missing, all of them together reach 20 g per "
        "litre of beer.",
        json_schema_extra={"unit": "g"},
    )
    upper_oz: float | None = Field(
        default=None,
        ge=0,
        le=350_000,
        description="The same in ounces, instead of `upper_g`.",
        json_schema_extra={"unit": "oz"},
    )
    step_g: float | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        description="Step to which weights are rounded, g; 0 rounds to 0.000001. If missing, 0.5 g, or 0.05 oz where "
        "the weights of the hops are in ounces; finer for less than 10 l.",
        json_schema_extra={"unit": "g"},
    )
    step_oz: float | None = Field(
        default=None,
        ge=0,
        le=35_000,
        description="The same in ounces, instead of `step_g`; the answer is in ounces too.",
        json_schema_extra={"unit": "oz"},
    )


class Questions(BaseModel):
    """A batch of questions."""

    model_config = _REQUEST

    questions: list[Question] = Field(
        min_length=1, max_length=MAX_QUESTIONS, description="The questions. Answers keep their order."
    )


class ReachableBitterness(TypedDict):
    """Least and greatest bitterness within the bounds of the weights, IBU."""

    lower: float
    upper: float


class Solution(TypedDict):
    """Weights with which a beer has the bitterness that was asked for.

    `hops` is the hop bill with these weights, as `POST /predict` takes it; `moved` are the indexes of the additions
    whose weights were asked for. `ibu` is the bitterness by `by` with these weights, rounded as they are; `target_ibu`
    is what it was to be, missing where the best chance for a style was. `ibu_per_gram` is how far one more gram of the
    moved hops, in their ratio, moves it. `method` is `curve` where the figure rises steadily with the weights. It is
    `physical_shape` where the model moves in leaps: the weights then follow the physical estimate's curve through the
    model's level, `ibu` is on that curve, and `prediction` may differ from it. `estimates` has every formula;
    `prediction` is what `POST /predict` answers to the beer with these hops.
    """

    hops: list[Annotated[dict[str, JsonValue], Field(json_schema_extra={"x-same-as": "Hop"})]]
    moved: list[int]
    ibu: float
    target_ibu: NotRequired[float]
    reachable: ReachableBitterness
    ibu_per_gram: float
    method: Literal["curve", "physical_shape"]
    estimates: Estimates
    style: NotRequired[StyleMatch]
    prediction: Prediction


class QuestionProblem(TypedDict):
    """Why a question has no answer; `field` is the field of the question."""

    field: str
    code: str
    reason: str


class SolutionOrProblems(TypedDict):
    """The answer to one question of a batch: a solution, or what is wrong."""

    solution: NotRequired[Solution]
    errors: NotRequired[list[QuestionProblem]]


class Solutions(TypedDict):
    """The answers to a batch of questions, in its order."""

    answers: list[SolutionOrProblems]
