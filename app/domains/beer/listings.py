"""Reference data of the beer domain: the hop varieties and the styles that the program knows, for pick lists."""

from typing import NotRequired

from typing_extensions import TypedDict

from app.domains.api import Listing
from app.domains.beer import styles, varieties
from app.domains.beer.substitutes import Use, substitutes, use_of
from app.domains.beer.varieties import Kind


class HopVariety(TypedDict):
    """A hop variety or hop extract with its published alpha acid, percent of weight.

    `alpha_typical` is what a prediction assumes if a request states none. Each of `other_names` is understood as well.
    `use` is missing where it is not known. `substitutes` are the names of varieties near in alpha acid whose use fits,
    the best first.
    """

    name: str
    other_names: list[str]
    kind: Kind
    alpha_low: float
    alpha_high: float
    alpha_typical: float
    source: str
    use: NotRequired[Use]
    substitutes: list[str]


class Varieties(TypedDict):
    """The hop varieties that the program knows, in alphabetical order."""

    varieties: list[HopVariety]


class FigureRange(TypedDict):
    """Range of a vital figure, from `low` to `high`."""

    low: float
    high: float


class BeerStyle(TypedDict):
    """A style of the guidelines with its ranges; one that they do not give is missing.

    `ibu` is the bitterness in IBU; `og` and `fg` are specific gravities; `abv` is in % vol; `srm` is the colour in SRM.
    """

    code: str
    name: str
    other_names: list[str]
    ibu: NotRequired[FigureRange]
    og: NotRequired[FigureRange]
    fg: NotRequired[FigureRange]
    abv: NotRequired[FigureRange]
    srm: NotRequired[FigureRange]
    source: str


class Styles(TypedDict):
    """The styles that the program knows, in the order of the guidelines; `edition` is their year."""

    edition: str
    styles: list[BeerStyle]


def read_varieties() -> Varieties:
    """List the hop varieties."""
    known = sorted(dict.fromkeys(varieties.load().values()), key=lambda variety: variety.name.casefold())
    return {"varieties": [_variety(variety) for variety in known]}


def read_styles() -> Styles:
    """List the styles."""
    return {"edition": styles.EDITION, "styles": [_style(style) for style in dict.fromkeys(styles.load().values())]}


VARIETIES = Listing(
    name="varieties",
    path="/varieties",
    summary="List the hop varieties",
    description="Names, alpha acids and substitutes of the hop varieties and extracts that the service knows.",
    answer=Varieties,
    read=read_varieties,
)
STYLES = Listing(
    name="styles",
    path="/styles",
    summary="List the styles of beer",
    description="Codes, names and ranges of the styles of the BJCP guidelines of 2021.",
    answer=Styles,
    read=read_styles,
)


def _variety(variety: varieties.Variety) -> HopVariety:
    listed: HopVariety = {
        "name": variety.name,
        "other_names": list(variety.other_names),
        "kind": variety.kind,
        "alpha_low": variety.alpha_low,
        "alpha_high": variety.alpha_high,
        "alpha_typical": variety.alpha_typical,
        "source": variety.source,
        "substitutes": list(substitutes(variety)),
    }
    if use := use_of(variety):
        listed["use"] = use
    return listed


def _style(style: styles.Style) -> BeerStyle:
    listed: BeerStyle = {
        "code": style.code,
        "name": style.name,
        "other_names": list(style.other_names),
        "source": style.source,
    }
    if style.ibu:
        listed["ibu"] = _range(style.ibu)
    if style.og:
        listed["og"] = _range(style.og)
    if style.fg:
        listed["fg"] = _range(style.fg)
    if style.abv:
        listed["abv"] = _range(style.abv)
    if style.srm:
        listed["srm"] = _range(style.srm)
    return listed


def _range(figures: styles.Range) -> FigureRange:
    return {"low": figures.low, "high": figures.high}
