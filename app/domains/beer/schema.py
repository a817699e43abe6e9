"""The beer domain's schema: fields, units, bounds, examples."""

from typing import Annotated, Any, NotRequired

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue, with_config
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from app.domains.api import ModelRef, Warning
from app.domains.beer.hop_bill import Stage

LARGEST_BATCH = 1000
MOST_ADDITIONS = 50
LONGEST_NAME = 80
DEFAULT_BATCH_L = 20.0

EXAMPLE_BEER: dict[str, JsonValue] = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "ph": 4.4}
EXAMPLE_RECIPE: dict[str, JsonValue] = {
    **EXAMPLE_BEER,
    "batch_volume_l": 20,
    "hops": [
        {"name": "Magnum", "amount_g": 12, "alpha_acid": 12.5, "boil_minutes": 60},
        {"name": "Simcoe", "amount_g": 25, "stage": "end"},
        {"name": "Simcoe", "amount_g": 60, "stage": "dry_hop"},
    ],
    "malts": [{"name": "Pale Ale", "amount_kg": 4.4}, {"name": "Caramalt", "amount_kg": 0.4}],
    "yeast": "Wyeast 1056 - American Ale",
    "explain": True,
}
EXAMPLE_PREDICTION: dict[str, JsonValue] = {
    "ibu": 48.1,
    "interval": {"lower": 13.4, "upper": 63.2, "coverage": 0.9},
    "model": {"name": "beer-ibu", "version": "1"},
    "warnings": [],
}


class _Gravity:
    """A gravity in points (900-1300) or as specific gravity (0.900-1.300), each strictly a number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.float_schema(ge=900, le=1300, strict=True, allow_inf_nan=False),
                core_schema.float_schema(ge=0.9, le=1.3, strict=True, allow_inf_nan=False),
            ],
            mode="left_to_right",
            custom_error_type="gravity",
            custom_error_message="must be a number: 900 to 1300 points, or 0.900 to 1.300 specific gravity",
        )


Gravity = Annotated[float, _Gravity()]

_FIELD = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Volume = Annotated[float, Field(gt=0, le=100_000, json_schema_extra={"unit": "l"})]


class Hop(BaseModel):
    """One addition of hops; either `stage` or `boil_minutes` says when."""

    model_config = _FIELD

    name: Name = Field(description="Variety, as on the packet.")
    amount_g: float = Field(ge=0, le=10_000_000, description="Weight, g.", json_schema_extra={"unit": "g"})
    alpha_acid: float | None = Field(
        default=None,
        ge=0,
        le=70,
        description="Alpha acids, %; where missing, the variety's typical figure is taken.",
        json_schema_extra={"unit": "%"},
    )
    stage: Annotated[Stage, Field(strict=False)] | None = Field(default=None, description="When it goes in.")
    boil_minutes: float | None = Field(
        default=None,
        ge=0,
        le=300,
        description="Minutes in the boil; 0 is flame-out.",
        json_schema_extra={"unit": "min"},
    )


class Malt(BaseModel):
    """One malt or other fermentable."""

    model_config = _FIELD

    name: Name = Field(description="Name, as on the sack.")
    amount_kg: float = Field(ge=0, le=1_000_000, description="Weight, kg.", json_schema_extra={"unit": "kg"})


class Beer(BaseModel):
    """A beer's vital figures and, where known, its recipe."""

    model_config = ConfigDict(**_FIELD, json_schema_extra={"examples": [EXAMPLE_BEER, EXAMPLE_RECIPE]})

    abv: float = Field(ge=0, le=70, description="Alcohol, % vol.", json_schema_extra={"unit": "% vol"})
    target_og: Gravity = Field(description="Original gravity, in points (1056) or as specific gravity (1.056).")
    target_fg: Gravity = Field(
        description="Final gravity, in points (1013) or as specific gravity (1.013); not above the original one."
    )
    ebc: float | None = Field(
        default=None,
        ge=0,
        le=1000,
        description="Colour, EBC. Where only one of EBC and SRM is given, the other follows: EBC = 1.97 SRM.",
        json_schema_extra={"unit": "EBC"},
    )
    srm: float | None = Field(default=None, ge=0, le=600, description="Colour, SRM.", json_schema_extra={"unit": "SRM"})
    ph: float | None = Field(default=None, ge=2.5, le=7, description="pH of the finished beer.")
    hops: list[Hop] | None = Field(
        default=None,
        max_length=MOST_ADDITIONS,
        description="The hop bill. With it the recipe model answers; an empty list is a beer without hops.",
    )
    batch_volume_l: Volume = Field(default=DEFAULT_BATCH_L, description="Volume after the boil, l.")
    boil_volume_l: Volume | None = Field(default=None, description="Volume before the boil, l.")
    malts: list[Malt] | None = Field(
        default=None, max_length=MOST_ADDITIONS, description="The grist; used beside hops."
    )
    yeast: Name | None = Field(default=None, description="The yeast's name or code; used beside hops.")
    explain: bool = Field(default=False, description="Whether to tell why.")


class Beers(BaseModel):
    """A batch of beers."""

    model_config = _FIELD

    beers: list[Beer] = Field(min_length=1, max_length=LARGEST_BATCH, description="The beers; answers keep the order.")


class Interval(TypedDict):
    """Where the bitterness lies with the probability `coverage`, IBU."""

    lower: float
    upper: float
    coverage: float


class Estimates(TypedDict):
    """What others would say, IBU."""

    tinseth: float


class Contribution(TypedDict):
    """What some of the inputs add to the bitterness."""

    group: str
    inputs: list[str]
    ibu: float


class Explanation(TypedDict):
    """Why: `base_value` and the contributions add up to `ibu`."""

    base_value: float
    contributions: list[Contribution]


@with_config(ConfigDict(json_schema_extra={"examples": [EXAMPLE_PREDICTION]}))
class Prediction(TypedDict):
    """The answer for one beer."""

    ibu: float
    interval: Interval
    model: ModelRef
    warnings: list[Warning]
    estimates: NotRequired[Estimates]
    explanation: NotRequired[Explanation]


class Predictions(TypedDict):
    """The answers for a batch, in its order."""

    predictions: list[Prediction]
