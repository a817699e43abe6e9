"""The beer domain's schema: fields, units, bounds, examples."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, JsonValue, with_config
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from app.domains.face import ModelRef, Warning

LARGEST_BATCH = 1000

EXAMPLE_BEER: dict[str, JsonValue] = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "ph": 4.4}
EXAMPLE_PREDICTION: dict[str, JsonValue] = {
    "ibu": 50.2,
    "interval": {"lower": 25.1, "upper": 88.4, "coverage": 0.9},
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


class Beer(BaseModel):
    """A beer's vital figures."""

    model_config = ConfigDict(**_FIELD, json_schema_extra={"examples": [EXAMPLE_BEER]})

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
    srm: float | None = Field(
        default=None, ge=0, le=600, description="Colour, SRM.", json_schema_extra={"unit": "SRM"}
    )
    ph: float | None = Field(default=None, ge=2.5, le=7, description="pH of the finished beer.")


class Beers(BaseModel):
    """A batch of beers."""

    model_config = _FIELD

    beers: list[Beer] = Field(min_length=1, max_length=LARGEST_BATCH, description="The beers; answers keep the order.")


class Interval(TypedDict):
    """Where the bitterness lies with the probability `coverage`, IBU."""

    lower: float
    upper: float
    coverage: float


@with_config(ConfigDict(json_schema_extra={"examples": [EXAMPLE_PREDICTION]}))
class Prediction(TypedDict):
    """The answer for one beer."""

    ibu: float
    interval: Interval
    model: ModelRef
    warnings: list[Warning]


class Predictions(TypedDict):
    """The answers for a batch, in its order."""

    predictions: list[Prediction]
