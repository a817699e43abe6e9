"""Finds the published alpha-acid range of a hop variety by any of its names."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).with_name("varieties.csv")
MAX_NAME_LENGTH = 80  # characters; with the next two, limits the time and memory that a name costs
MAX_DECOMPOSED = 2 * MAX_NAME_LENGTH  # characters; every letter may have an accent, but none becomes 18 letters
MAX_WORDS = 16
MAX_NAME_WORDS = 5  # of the longest name in the table

# Deleted rather than read as spaces, so that "Mt.Hood" and "Brewer's Gold" stay whole.
_DELETED = dict.fromkeys(map(ord, "'’‘`´.®™℠"))
# Letters whose stroke is part of the letter, so that decomposing does not remove it.
_STROKED = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})
_WORD = re.compile(r"[^\W_]+")

# Only forms with the alpha acid of the cones. Cryo and lupulin powder contain about twice as much,
# type 45 pellets 1.5 times as much and fresh hops a fifth; these must not match.
# "Hop" is kept before "extract": the word "extract" alone may mean malt or vanilla.
_FORM = re.compile(
    r"\b(?:hops?(?! extracts?\b)|pellets?|plugs?|leaf|whole|cones?|flowers?|organic|brand|tm"
    r"|(?:t|type) ?90)\b"
)
# "Styrian", "Kent", "Hallertau" and the like are absent: they distinguish varieties.
_ORIGIN = re.compile(
    r"\b(?:(?P<us>us|usa|american?|united states(?: of america)?)"
    r"|(?P<uk>uk|gb|england|english|british|(?:great )?britain|united kingdom)"
    r"|(?P<de>de|ger|gr|germany?)"
    r"|(?P<cz>cz|czechia|czech(?: republic)?)"
    r"|(?P<nz>nz|new zealand)"
    r"|(?P<au>au|aus|australian?)"
    r"|(?P<si>si|slo|slovenian?)"
    r"|(?P<pl>pl|poland|polish)"
    r"|(?P<fr>fr|france|french)"
    r"|(?P<jp>jp|japan(?:ese)?)"
    r"|(?P<za>za|south african?)"
    r"|(?P<cn>cn|china|chinese))\b"
)
# What recipes add to a name: the crop's year and alpha acid, "(R)" and "cv." (cultivar).
_NOTES = re.compile(
    r"\((?:r|tm|c)\)|\bc\.?v\.?(?=\W|$)|\b(?:19|20)\d\d\b|\b(?:crop|harvest|vintage)\b"
    r"|(?:\b(?:aa|alpha(?: acids?)?)\s*[:=]?\s*)?\b(?:1?\d|2[0-4])(?:[.,]\d+)?\s*%"
    r"(?:\s*(?:a\.?a\.?|alpha)(?: acids?)?(?=\W|$))?",
    re.IGNORECASE,
)
# In these pairs the name with its origin is another variety than the name alone.
_DISTINCT_BY_ORIGIN = frozenset(
    "brewersgold-de cascade-nz hallertau-nz hallertauer-nz tettnang-us tettnanger-us".split()
)


class Kind(StrEnum):
    """Form of the hops: whole hops and pellets, or resin extracted from them."""

    CONE = "cone"
    EXTRACT = "extract"


@dataclass(frozen=True, slots=True)
class Variety:
    """A hop variety or hop extract with its published alpha acid.

    Attributes:
        name: Usual trade name.
        other_names: Trade names, breeders' codes, abbreviations and common misspellings.
        kind: Cone or extract.
        alpha_low: Lower end of the published range, percent of weight.
        alpha_high: Upper end of the published range, percent of weight.
        alpha_typical: Value for a batch without an analysis, percent of weight.
        source: Publisher of the range.
    """

    name: str
    other_names: tuple[str, ...]
    kind: Kind
    alpha_low: float
    alpha_high: float
    alpha_typical: float
    source: str

    def __post_init__(self) -> None:
        if not 0 < self.alpha_low <= self.alpha_typical <= self.alpha_high <= 100:
            raise ValueError(f"{self.name}: alpha acids are not low <= typical <= high percent")


def normalise(name: str) -> str:
    """Reduce a name to the part that distinguishes varieties.

    Removes case, accents, punctuation, spaces, form words and origin words, except an origin that makes a different
    variety. Accepts any text; text without letters or digits, or of more than `MAX_WORDS` words, gives "".
    """
    return _key(_text(name))


def _key(text: str) -> str:
    core = "".join(_core(text))
    if not core:  # only form and origin words: keep them
        return text.replace(" ", "")
    return _with_origin(core, _origins(text))


def _text(name: str) -> str:
    """Lower-case words without accents, one space between them; "" if there are too many."""
    plain = unicodedata.normalize("NFKD", name.translate(_DELETED)).casefold()
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_STROKED)
    words = _WORD.findall(plain)
    return " ".join(words) if len(words) <= MAX_WORDS else ""


def _core(text: str) -> list[str]:
    """The words that are neither a form nor an origin."""
    return _FORM.sub(" ", _ORIGIN.sub(" ", text)).split()


def _origins(text: str) -> list[str]:
    """The codes of the countries that a text names."""
    return [str(origin.lastgroup) for origin in _ORIGIN.finditer(text)]


def _with_origin(core: str, origins: Sequence[str]) -> str:
    """Add an origin to a variety's words, if it makes them another variety."""
    for origin in origins:
        if (pair := f"{core}-{origin}") in _DISTINCT_BY_ORIGIN:
            return pair
    return core


def index(varieties: Iterable[Variety]) -> Mapping[str, Variety]:
    """Map every normalised name to its variety.

    Raises:
        ValueError: If two names normalise to the same text, or a name to "".
    """
    result: dict[str, Variety] = {}
    for variety in varieties:
        for name in (variety.name, *variety.other_names):
            key = normalise(name)
            if not key:
                raise ValueError(f"{variety.name}: {name!r} has no letters or digits")
            if key in result:
                raise ValueError(f"{name!r} of {variety.name} already names {result[key].name}")
            result[key] = variety
    return MappingProxyType(result)


@cache
def load() -> Mapping[str, Variety]:
    """Load the table of varieties, read-only, by normalised name."""
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return index(map(_variety, csv.DictReader(lines)))


def find(name: str) -> Variety | None:
    """Find the variety of a name, as recipes and brewing software write it.

    A name may be turned around at a comma (``Goldings, East Kent``), be followed by the crop's year or alpha acid, and
    contain other names of the same variety (``Columbus/Tomahawk/Zeus (CTZ)``, ``Mosaic (HBC 369)``).

    Returns:
        The variety; None if the table does not have it, or if a part of the name means something else.
    """
    return _find(name) if len(name) <= MAX_NAME_LENGTH else None


@lru_cache(maxsize=4096)
def _find(name: str) -> Variety | None:
    if not name.isascii() and len(unicodedata.normalize("NFKD", name)) > MAX_DECOMPOSED:
        return None
    text = _text(name)
    return load().get(_key(text)) or _find_in_parts(name, text)


def _find_in_parts(name: str, text: str) -> Variety | None:
    bare = _NOTES.sub(" ", name)
    if bare != name:
        text = _text(bare)
    if "," in bare:
        noun, _, specific = bare.partition(",")
        if variety := load().get(normalise(f"{specific} {noun}")):
            return variety
    return _common(_core(text), _origins(text))


def _common(words: Sequence[str], origins: Sequence[str]) -> Variety | None:
    """Find the variety that every part of a name means, if the name can be cut into such parts.

    Args:
        words: Words of the name without forms and origins.
        origins: The origins that it names.
    """
    table = load()
    cuts: dict[int, Variety | None] = {0: None}
    for end in range(1, len(words) + 1):
        if len(cuts) == 1 and end > MAX_NAME_WORDS:
            return None
        for start, of_parts in cuts.items():
            variety = table.get(_with_origin("".join(words[start:end]), origins))
            if variety and of_parts in (None, variety):
                cuts[end] = variety
                break
    return cuts.get(len(words))


def _variety(row: Mapping[str, str]) -> Variety:
    return Variety(
        name=row["name"],
        other_names=tuple(filter(None, map(str.strip, row["other_names"].split(";")))),
        kind=Kind(row["kind"]),
        alpha_low=float(row["alpha_low"]),
        alpha_high=float(row["alpha_high"]),
        alpha_typical=float(row["alpha_typical"]),
        source=row["source"],
    )
