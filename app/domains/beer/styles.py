"""Finds a beer style of the BJCP guidelines of 2021 by its code or name, with the ranges of its vital figures.

The codes, names and ranges in ``styles.csv`` are from ``bjcp_2021.json`` of github beerjson/beerjson at 7b97943
(Copyright (c) 2017 beerjson, MIT licence), gravities as specific gravity throughout. The other names are those of
earlier editions of the guidelines, common abbreviations, and spellings without accents.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

TABLE = Path(__file__).with_name("styles.csv")
MAX_NAME_LENGTH = 80
"""Characters of a name; a longer one is unknown."""
EDITION = "2021"
"""The edition of the guidelines whose codes are known; earlier editions give the same codes to other styles."""

_DELETED = dict.fromkeys(map(ord, "'’‘`´.®™"))
_GUIDE = re.compile(r"\bbjcp\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_CODE = re.compile(r"(?:(\d{1,2}) ?([a-g])|x ?([1-5]))\b")
_WORD = re.compile(r"[^\W_]+")


class Range(NamedTuple):
    """A range of a vital figure."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Style:
    """A style of beer; a range is None where the guidelines give none.

    Attributes:
        code: Code in the guidelines, such as ``21A``.
        name: Name in the guidelines.
        other_names: Other names.
        ibu: Bitterness, IBU.
        og: Original gravity, specific gravity.
        fg: Final gravity, specific gravity.
        abv: Alcohol, % vol.
        srm: Colour, SRM.
        source: Publisher of the ranges.
    """

    code: str
    name: str
    other_names: tuple[str, ...]
    ibu: Range | None
    og: Range | None
    fg: Range | None
    abv: Range | None
    srm: Range | None
    source: str


@cache
def load() -> Mapping[str, Style]:
    """Load the table, read-only, by code in lower case and by each name's words.

    Raises:
        ValueError: If two styles have a code or name in common.
    """
    result: dict[str, Style] = {}
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            style = _style(row)
            for key in (style.code.lower(), *map(_words, (style.name, *style.other_names))):
                if result.setdefault(key, style) is not style:
                    raise ValueError(f"{key!r} of {style.name} already means {result[key].name}")
    return MappingProxyType(result)


def find(name: str) -> Style | None:
    """Find the style of a code or name, as people and brewing software write it.

    Case, accents, punctuation, the word BJCP and a year do not matter, and a name may follow its code
    (``21A. American IPA``). Where both are given and differ, the name decides: codes changed between editions.

    Args:
        name: Code, name, or both.

    Returns:
        The style; None if the table does not have it, or a code without a name is of another edition.
    """
    return _find(name) if len(name) <= MAX_NAME_LENGTH else None


def bitterness_of(name: str) -> Range | None:
    """Find the bitterness of a style; None if the style is unknown or the guidelines give no range.

    Args:
        name: Code, name, or both; see `find`.
    """
    style = find(name)
    return style.ibu if style else None


@lru_cache(maxsize=1024)
def _find(name: str) -> Style | None:
    text = _GUIDE.sub(" ", _words(name))
    years = set(_YEAR.findall(text))
    text = " ".join(_YEAR.sub(" ", text).split())
    code = _CODE.match(text)
    if code is None:
        return load().get(text)
    rest = text[code.end() :].strip()
    if rest:
        return load().get(rest)
    number = f"{int(code[1])}{code[2]}" if code[1] else f"x{code[3]}"
    return load().get(number) if years <= {EDITION} else None


def _words(name: str) -> str:
    """Lower-case words without accents, one space between them."""
    plain = unicodedata.normalize("NFKD", name.translate(_DELETED)).casefold()
    return " ".join(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def _style(row: Mapping[str, str]) -> Style:
    return Style(
        code=row["code"],
        name=row["name"],
        other_names=tuple(filter(None, map(str.strip, row["other_names"].split(";")))),
        ibu=_range(row, "ibu"),
        og=_range(row, "og"),
        fg=_range(row, "fg"),
        abv=_range(row, "abv"),
        srm=_range(row, "srm"),
        source=row["source"],
    )


def _range(row: Mapping[str, str], figure: str) -> Range | None:
    low, high = row[f"{figure}_low"], row[f"{figure}_high"]
    return Range(float(low), float(high)) if low and high else None
