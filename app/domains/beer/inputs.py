"""The inputs of the beer models, declared once: the service and the training program both read them here.

An input's position in a row follows from these declarations or from the bundle's manifest. Code refers to inputs by
name. ARCHITECTURE.md lists what a new input takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from app.domains.beer.hop_bill import DRY, TIMES


@dataclass(frozen=True, slots=True, kw_only=True)
class BeerInput:
    """One input of a beer model.

    Attributes:
        name: Column name in manifests and in requests of the Open Inference Protocol.
        unit: Unit of the value; empty for a pure number.
        description: Description in the manifest.
        field: Field of a request that the value comes from.
        group: Name of the group of inputs that an explanation counts this input to.
        low: Smallest value that the service accepts.
        high: Largest value that the service accepts.
        optional: Whether the value may be missing (NaN).
        computed: Whether a value that a request does not state is computed from others.
        decimals: Decimal places of the trained range and the deciles in the manifest.
        random_high: Largest random value of the parity check in training, where `high` is infinite.
        symbol: What brewers call the value; cleaning rules are named after it. Empty for computed values.
        clean_range: Smallest and largest value that cleaning keeps, where they are not `low` and `high`.
        label: Name of the value in warnings; empty: `name`.
    """

    name: str
    unit: str
    description: str
    field: str
    group: str
    low: float
    high: float
    optional: bool = False
    computed: bool = False
    decimals: int = 2
    random_high: float | None = None
    symbol: str = ""
    clean_range: tuple[float, float] | None = None
    label: str = ""


ABV = BeerInput(
    name="abv",
    unit="% vol",
    description="Alcohol by volume",
    field="abv",
    group="strength",
    low=0,
    high=70,
    computed=True,
    symbol="ABV",
)
OG = BeerInput(
    name="target_og",
    unit="points",
    description="Original gravity, 1048 for 1.048",
    field="target_og",
    group="strength",
    low=900,
    high=1300,
    symbol="OG",
)
FG = BeerInput(
    name="target_fg",
    unit="points",
    description="Final gravity, 1010 for 1.010",
    field="target_fg",
    group="strength",
    low=900,
    high=1300,
    symbol="FG",
)
EBC = BeerInput(
    name="ebc",
    unit="EBC",
    description="Colour in EBC",
    field="ebc",
    group="colour",
    low=0,
    high=1000,
    optional=True,
    symbol="EBC",
)
SRM = BeerInput(
    name="srm",
    unit="SRM",
    description="Colour in SRM; used where EBC is missing",
    field="srm",
    group="colour",
    low=0,
    high=600,
    optional=True,
    symbol="SRM",
)
PH = BeerInput(
    name="ph",
    unit="pH",
    description="pH of the beer",
    field="ph",
    group="pH",
    low=2.5,
    high=7,
    optional=True,
    symbol="pH",
    clean_range=(2.5, 6),
)

VITAL_INPUTS = (ABV, OG, FG, EBC, SRM, PH)
"""Inputs of the vitals model: the figures that a request states."""

COMPARED_INPUTS = (ABV, OG, FG, EBC, SRM)
"""Inputs whose values the plausibility checks compare with each other."""

_ADDED = {
    "early": "boiled for 45 minutes or longer or added to mash or first wort",
    "middle": "boiled for 20 to 45 minutes",
    "late": "boiled for less than 20 minutes",
    "whirlpool": "added at flame-out or in the whirlpool",
    "dry": "added cold (dry hops)",
}
_GROUPS = {
    "early": "bittering hops",
    "middle": "bittering hops",
    "late": "late hops",
    "whirlpool": "late hops",
    "dry": "dry hops",
}

HOP_INPUTS = (
    *(
        BeerInput(
            name=f"hops_{time}",
            unit="g/l",
            description=f"Weight of the hops {_ADDED[time]}, per litre of beer",
            field="hops",
            group=_GROUPS[time],
            low=0,
            high=inf,
            random_high=20,
            label=f"the weight of the hops {_ADDED[time]}",
        )
        for time in TIMES
    ),
    *(
        BeerInput(
            name=f"alpha_{time}",
            unit="mg/l",
            description=f"Alpha acid in the hops {_ADDED[time]}, per litre of beer",
            field="hops",
            group=_GROUPS[time],
            low=0,
            high=inf,
            decimals=1,
            random_high=1000,
            label=f"the alpha acid in the hops {_ADDED[time]}",
        )
        for time in TIMES
    ),
    *(
        BeerInput(
            name=f"isomerised_{time}",
            unit="mg/l",
            description="Alpha acid that the boil isomerises, before the wort's gravity reduces it, per litre of beer: "
            f"from the hops {_ADDED[time]}",
            field="hops",
            group=_GROUPS[time],
            low=0,
            high=inf,
            random_high=200,
            label=f"the alpha acid isomerised from the hops {_ADDED[time]}",
        )
        for time in TIMES[:DRY]
    ),
    *(
        BeerInput(
            name=f"iso_alpha_{time}",
            unit="mg/l",
            description="Iso-alpha acid after boil and hot stand, by kinetics, per litre of beer: from the hops "
            f"{_ADDED[time]}",
            field="hops",
            group=_GROUPS[time],
            low=0,
            high=inf,
            decimals=1,
            random_high=500,
            label=f"the iso-alpha acid of the hops {_ADDED[time]}",
        )
        for time in TIMES[:DRY]
    ),
)
"""What a hop bill comes to, per litre of beer, by the time of addition; `app.domains.beer.hop_bill` computes it."""

MALT_INPUTS = tuple(
    BeerInput(
        name=name,
        unit="",
        description=description,
        field="malts",
        group="malt and yeast",
        low=0,
        high=inf,
        optional=True,
        random_high=1,
        label=label,
    )
    for name, description, label in (
        ("oat_share", "Share of oats in the weight of the grist", "the share of oats in the grist"),
        (
            "crystal_share",
            "Share of crystal and caramel malts in the weight of the grist",
            "the share of crystal and caramel malts in the grist",
        ),
    )
)
YEAST_INPUTS = tuple(
    BeerInput(
        name=name,
        unit="",
        description=description,
        field="yeast",
        group="malt and yeast",
        low=0,
        high=inf,
        optional=True,
        random_high=1,
    )
    for name, description in (
        ("clean_ale_yeast", "Whether the yeast is a clean American ale yeast (1) or not (0)"),
        ("phenolic_yeast", "Whether the yeast is a Belgian, wheat-beer or wild yeast (1) or not (0)"),
    )
)
GRIST_INPUTS = (*MALT_INPUTS, *YEAST_INPUTS)
"""What malts and yeast come to; `app.domains.beer.grist` computes it."""

RECIPE_INPUTS = (*VITAL_INPUTS, *HOP_INPUTS, *GRIST_INPUTS)
"""Inputs of the recipe model."""

STYLE_INPUTS = tuple(
    BeerInput(
        name=name,
        unit="IBU",
        description=description,
        field="style",
        group="style",
        low=0,
        high=1000,
        random_high=150,
        label=label,
    )
    for name, description, label in (
        ("style_low", "Least bitterness of the beer's style in the BJCP guidelines", "the style's least bitterness"),
        ("style_high", "Most bitterness of the beer's style in the BJCP guidelines", "the style's most bitterness"),
    )
)
"""The bitterness of a beer's style; `app.domains.beer.styles` has it."""
STYLED_INPUTS = (*VITAL_INPUTS, *STYLE_INPUTS)
"""Inputs of the style model."""

INPUTS = {declared.name: declared for declared in (*RECIPE_INPUTS, *STYLE_INPUTS)}
"""Every input by name."""


def check_inputs(columns: Iterable[str]) -> None:
    """Check that this program can make the inputs of a version and compare them.

    Args:
        columns: Names of the version's inputs.

    Raises:
        ValueError: If an input is unknown, or one that the plausibility checks compare is missing.
    """
    given = set(columns)
    if unknown := sorted(given - set(INPUTS)):
        raise ValueError(f"the bundle has unknown inputs: {', '.join(unknown)}")
    if missing := [declared.name for declared in COMPARED_INPUTS if declared.name not in given]:
        raise ValueError(f"the bundle lacks inputs: {', '.join(missing)}")


def names(inputs: Iterable[BeerInput]) -> tuple[str, ...]:
    """Names of inputs, in order."""
    return tuple(declared.name for declared in inputs)
