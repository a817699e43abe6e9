"""Finds the published alpha-acid range of a hop variety by any of its names."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).with_name("varieties.csv")
MAX_NAME_LENGTH = 80  # characters; with the next two, limits the time and memory that a name costs
MAX_DECOMPOSED = 2 * MAX_NAME_LENGTH  # characters; every letter may have an accent, but none becomes 18 letters
MAX_WORDS = 16  # the longest name in the table has 5 words

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
    plain = unicodedata.normalize("NFKD", name.translate(_DELETED)).casefold()
    if not plain.isascii():
        plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_STROKED)
    words = _WORD.findall(plain)
    if len(words) > MAX_WORDS:
        return ""
    text = " ".join(words)
    core = "".join(_FORM.sub(" ", _ORIGIN.sub(" ", text)).split())
    if not core:  # only form and origin words: keep them
        return text.replace(" ", "")
    pairs = (f"{core}-{origin.lastgroup}" for origin in _ORIGIN.finditer(text))
    return next((pair for pair in pairs if pair in _DISTINCT_BY_ORIGIN), core)


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
    """Return the variety of a name; None if the table does not have it."""
    return _find(name) if len(name) <= MAX_NAME_LENGTH else None


@lru_cache(maxsize=4096)
def _find(name: str) -> Variety | None:
    if not name.isascii() and len(unicodedata.normalize("NFKD", name)) > MAX_DECOMPOSED:
        return None
    return load().get(normalise(name))


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
