"""The beer domain's requests: fields, units, bounds, examples."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from app.domains.api import Example
from app.domains.beer.ingredients import STRICT, Hop, Malt, Name, unstated
from app.domains.beer.inputs import ABV, EBC, OG, PH, SRM
from app.domains.beer.units import PLATO_HIGH, PLATO_LOW, POINTS_PER_SG, litres, points_of_plato
from app.domains.quantities import Measured, Quantity, whole

MAX_BEERS = 1000
"""Beers in one batch."""
MAX_ADDITIONS = 50
"""Hop additions or malts in one beer."""
MAX_REFERENCE_BEERS = 50
"""Own beers in one request."""
MAX_INTERVALS = 10
"""Intervals that a request may ask for."""
MAX_QUANTILES = 100
"""Quantiles that a request may ask for."""
MAX_REFERENCE_IBU = 300.0
"""Bitterness of an own beer, IBU; no formula or laboratory states more."""
DEFAULT_BATCH_L = 20.0
"""Volume after the boil, l, if a request states none."""

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
EXAMPLES: dict[str, Example] = {
    "vital_figures": {"summary": "A beer's vital figures", "value": EXAMPLE_BEER},
    "recipe": {"summary": "A beer with its recipe: a better model answers, with reasons", "value": EXAMPLE_RECIPE},
}
EXAMPLE_BATCH: dict[str, JsonValue] = {"beers": [EXAMPLE_BEER, {**EXAMPLE_RECIPE, "explain": False}]}

_LOW_SG, _HIGH_SG = OG.low / POINTS_PER_SG, OG.high / POINTS_PER_SG


class _Gravity:
    """A gravity in points or as specific gravity, strictly a number."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema(
            [
                core_schema.float_schema(ge=OG.low, le=OG.high, strict=True, allow_inf_nan=False),
                core_schema.float_schema(ge=_LOW_SG, le=_HIGH_SG, strict=True, allow_inf_nan=False),
            ],
            mode="left_to_right",
            custom_error_type="gravity",
            custom_error_message=f"must be a number: {OG.low:g} to {OG.high:g} points, or {_LOW_SG:.3f} to "
            f"{_HIGH_SG:.3f} specific gravity; degrees Plato have a field of their own, whose name ends in _plato",
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return one range with a gap: for two ranges, `anyOf`, generated clients have no number type."""
        gap = {"exclusiveMinimum": _HIGH_SG, "exclusiveMaximum": OG.low}
        return {"type": "number", "minimum": _LOW_SG, "maximum": OG.high, "not": gap}


Gravity = Annotated[float, _Gravity()]
Plato = Annotated[float, Field(ge=PLATO_LOW, le=PLATO_HIGH, json_schema_extra={"unit": "degrees Plato"})]
Volume = Annotated[float, Field(gt=0, le=100_000, json_schema_extra={"unit": "l"})]
Gallons = Annotated[float, Field(gt=0, le=26_000, json_schema_extra={"unit": "gal"})]


class BeerFigures(Measured):
    """A beer's vital figures and, where known, its recipe.

    A field's name ends in its unit where there are several; of those for one quantity exactly one is given.
    """

    model_config = STRICT
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("target_og", "target_og_plato", points_of_plato, required=True),
        Quantity("target_fg", "target_fg_plato", points_of_plato, required=True),
        Quantity("batch_volume_l", "batch_volume_gal", litres),
        Quantity("boil_volume_l", "boil_volume_gal", litres),
    )

    abv: float | None = Field(
        default=None,
        ge=ABV.low,
        le=ABV.high,
        description="Alcohol, % vol; if missing, computed from the gravities: 131.25 (OG - FG) in specific gravity.",
        json_schema_extra={"unit": ABV.unit},
    )
    target_og: Gravity = Field(
        default_factory=unstated,
        description="Original gravity, in points (1056) or as specific gravity (1.056); required, here or as "
        "`target_og_plato`.",
    )
    target_og_plato: Plato | None = Field(
        default=None,
        description="Original gravity, degrees Plato (percent of extract by weight), instead of `target_og`.",
    )
    target_fg: Gravity = Field(
        default_factory=unstated,
        description="Final gravity, in points (1013) or as specific gravity (1.013); required, here or as "
        "`target_fg_plato`; at most the original gravity.",
    )
    target_fg_plato: Plato | None = Field(
        default=None,
        description="Final gravity, degrees Plato: the apparent extract that a hydrometer shows; instead of "
        "`target_fg`.",
    )
    ebc: float | None = Field(
        default=None,
        ge=EBC.low,
        le=EBC.high,
        description="Colour, EBC. If only one of EBC and SRM is given, the other follows: EBC = 1.97 SRM.",
        json_schema_extra={"unit": EBC.unit},
    )
    srm: float | None = Field(
        default=None, ge=SRM.low, le=SRM.high, description="Colour, SRM.", json_schema_extra={"unit": SRM.unit}
    )
    ph: float | None = Field(default=None, ge=PH.low, le=PH.high, description="pH of the finished beer.")
    hops: list[Hop] | None = Field(
        default=None,
        max_length=MAX_ADDITIONS,
        description="The hop bill. If given, the recipe model predicts; an empty list is a beer without hops.",
    )
    batch_volume_l: Volume = Field(default=DEFAULT_BATCH_L, description="Volume after the boil, l.")
    batch_volume_gal: Gallons | None = Field(
        default=None,
        description="Volume after the boil, gallons of the USA (3.785411784 l), instead of `batch_volume_l`.",
    )
    boil_volume_l: Volume | None = Field(
        default=None,
        description="Volume before the boil, l; if missing, that after it. More of it boils thinner wort, which raises "
        "Tinseth's, Rager's and Garetz's estimates, and dissolves more alpha acid, which raises the physical estimate "
        "of beers with many hops. It does not change `ibu`: the models know the volume after the boil alone.",
    )
    boil_volume_gal: Gallons | None = Field(
        default=None, description="Volume before the boil, gallons of the USA, instead of `boil_volume_l`."
    )
    malts: list[Malt] | None = Field(
        default=None, max_length=MAX_ADDITIONS, description="The grist; used only with `hops`."
    )
    yeast: Name | None = Field(default=None, description="Name or code of the yeast; used only with `hops`.")
    style: Name | None = Field(
        default=None,
        description="Style that the beer is meant to be: a code (21A) or name (American IPA) of the BJCP guidelines of "
        "2021. The response compares the bitterness with the style's; without `hops`, the style model predicts.",
    )


VOLUMES = frozenset({"batch_volume_l", "batch_volume_gal"})
"""Fields that state the volume after the boil."""


class ReferenceBeer(BeerFigures):
    """A beer of the brewer's own whose bitterness is known."""

    ibu: float = Field(
        ge=0,
        le=MAX_REFERENCE_IBU,
        description="Stated or measured bitterness, IBU.",
        json_schema_extra={"unit": "IBU"},
    )


Reference = Annotated[
    list[ReferenceBeer],
    Field(
        max_length=MAX_REFERENCE_BEERS,
        description="Beers of the same brewery whose bitterness is known: the predictions are moved towards them.",
    ),
]


Coverage = Annotated[
    list[Annotated[float, Field(gt=0, lt=1)]],
    Field(
        max_length=MAX_INTERVALS,
        description="Coverages of the intervals to return as `intervals`, such as [0.5, 0.8, 0.9]. An error names "
        "those that the model has.",
    ),
]


Quantiles = Annotated[
    int,
    Field(
        ge=2,
        le=MAX_QUANTILES,
        description="Number n of equally probable bitternesses to return as `quantiles`: those that are not exceeded "
        "with the probabilities (i - 0.5) / n, for i from 1 to n.",
    ),
    BeforeValidator(whole),
]


class Beer(BeerFigures):
    """A beer's vital figures and, where known, its recipe."""

    model_config = ConfigDict(**STRICT, json_schema_extra={"examples": [EXAMPLE_BEER, EXAMPLE_RECIPE]})

    explain: bool = Field(default=False, description="Whether to explain the prediction.")
    coverage: Coverage | None = None
    quantiles: Quantiles | None = None
    reference: Reference | None = None


class Beers(BaseModel):
    """A batch of beers."""

    model_config = STRICT

    beers: list[Beer] = Field(
        min_length=1, max_length=MAX_BEERS, description="The beers. Predictions keep their order."
    )
    coverage: Coverage | None = None
    quantiles: Quantiles | None = None
    reference: Reference | None = None
