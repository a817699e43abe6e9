"""The ingredients of a request: hops and malts, with fields, units and bounds."""

from math import nan
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from app.domains.beer.hop_forms import HopForm
from app.domains.beer.hop_storage import HopPackaging
from app.domains.beer.stages import Stage
from app.domains.beer.units import celsius, grams, kilograms
from app.domains.quantities import Measured, Quantity

MAX_NAME_LENGTH = 80
"""Characters in the name of a hop, malt or yeast."""
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)
"""Configuration of all parts of a request: no conversion of types, no unknown fields."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH)]


def unstated() -> float:
    """Return the default of a quantity that may be given in another unit: NaN until that is converted."""
    return nan


class Hop(Measured):
    """One addition of hops, with its time as either `stage` or `boil_minutes`."""

    model_config = STRICT
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("amount_g", "amount_oz", grams, required=True),
        Quantity("temperature_c", "temperature_f", celsius),
        Quantity("storage_temperature_c", "storage_temperature_f", celsius),
    )

    name: Name = Field(description="Variety.")
    amount_g: float = Field(
        default_factory=unstated,
        ge=0,
        le=10_000_000,
        description="Weight, g; required, here or as `amount_oz`.",
        json_schema_extra={"unit": "g"},
    )
    amount_oz: float | None = Field(
        default=None,
        ge=0,
        le=350_000,
        description="Weight, ounces (28.349523125 g), instead of `amount_g`.",
        json_schema_extra={"unit": "oz"},
    )
    alpha_acid: float | None = Field(
        default=None,
        ge=0,
        le=70,
        description="Alpha acid, %; if missing, the mean of its range or the variety's typical figure is used.",
        json_schema_extra={"unit": "%"},
    )
    alpha_acid_low: float | None = Field(
        default=None,
        ge=0,
        le=70,
        description="Lower end of the range of the alpha acid, %, where it is not known exactly; with "
        "`alpha_acid_high`. The interval of the prediction covers the range.",
        json_schema_extra={"unit": "%"},
    )
    alpha_acid_high: float | None = Field(
        default=None,
        ge=0,
        le=70,
        description="Upper end of the range of the alpha acid, %.",
        json_schema_extra={"unit": "%"},
    )
    form: Annotated[HopForm, Field(strict=False)] | None = Field(
        default=None,
        description="Form of the hops; if missing, they count as pellets, and as an extract from 25 % alpha acid on.",
    )
    stage: Annotated[Stage, Field(strict=False)] | None = Field(
        default=None,
        description="Stage of brewing at which the hops are added. Other words of recipes are accepted, such as "
        "`Dry Hop`, `FWH` or `flame-out`; docs/beer.md lists them.",
    )
    boil_minutes: float | None = Field(
        default=None,
        ge=0,
        le=300,
        description="Boil time, minutes; 0 is flame-out.",
        json_schema_extra={"unit": "min"},
    )
    temperature_c: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Temperature of the wort in a whirlpool or hop stand, degrees Celsius; with the stage `whirlpool` "
        "or `boil_minutes` 0.",
        json_schema_extra={"unit": "degrees Celsius"},
    )
    temperature_f: float | None = Field(
        default=None,
        ge=32,
        le=212,
        description="The same in degrees Fahrenheit, instead of `temperature_c`.",
        json_schema_extra={"unit": "degrees Fahrenheit"},
    )
    stand_minutes: float | None = Field(
        default=None,
        ge=0,
        le=300,
        description="Time in a whirlpool or hop stand, minutes, until the wort is cooled further; with the stage "
        "`whirlpool` or `boil_minutes` 0.",
        json_schema_extra={"unit": "min"},
    )
    age_months: float | None = Field(
        default=None,
        ge=0,
        le=240,
        description="Time in storage since the alpha acid was measured, months; the alpha acid falls by Garetz's rule.",
        json_schema_extra={"unit": "months"},
    )
    storage_temperature_c: float | None = Field(
        default=None,
        ge=-40,
        le=40,
        description="Temperature of storage, degrees Celsius; used only with `age_months`. If missing, 4.",
        json_schema_extra={"unit": "degrees Celsius"},
    )
    storage_temperature_f: float | None = Field(
        default=None,
        ge=-40,
        le=104,
        description="The same in degrees Fahrenheit, instead of `storage_temperature_c`.",
        json_schema_extra={"unit": "degrees Fahrenheit"},
    )
    packaging: Annotated[HopPackaging, Field(strict=False)] | None = Field(
        default=None, description="Packaging in storage; used only with `age_months`. If missing, airtight."
    )
    alpha_loss: float | None = Field(
        default=None,
        ge=0,
        le=95,
        description="Alpha acid that the variety loses in six months in the open at 20 degrees Celsius, %; used only "
        "with `age_months`. If missing, 30.",
        json_schema_extra={"unit": "%"},
    )


class Malt(Measured):
    """One malt or other fermentable."""

    model_config = STRICT
    quantities: ClassVar[tuple[Quantity, ...]] = (Quantity("amount_kg", "amount_lb", kilograms, required=True),)

    name: Name = Field(description="Name of the malt.")
    amount_kg: float = Field(
        default_factory=unstated,
        ge=0,
        le=1_000_000,
        description="Weight, kg; required, here or as `amount_lb`.",
        json_schema_extra={"unit": "kg"},
    )
    amount_lb: float | None = Field(
        default=None,
        ge=0,
        le=2_200_000,
        description="Weight, pounds (0.45359237 kg), instead of `amount_kg`.",
        json_schema_extra={"unit": "lb"},
    )
