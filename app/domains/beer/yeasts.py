"""Finds the kind of a yeast by any of its names: the makers' codes, the names of strains, or words for a style."""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

TABLE = Path(__file__).with_name("yeasts.csv")
MAX_NAME_LENGTH = 80
"""Characters of a name; a longer one is unknown."""
MAX_DECOMPOSED = 2 * MAX_NAME_LENGTH
"""Characters of a name whose letters are taken apart; limits the time that a name costs."""

Words = tuple[str, ...]


class Kind(StrEnum):
    """What a yeast makes of wort."""

    AMERICAN_ALE = "american_ale"
    ENGLISH_ALE = "english_ale"
    GERMAN_ALE = "german_ale"
    LAGER = "lager"
    BELGIAN = "belgian"
    WHEAT = "wheat"
    WILD = "wild"
    BACTERIA = "bacteria"
    KVEIK = "kveik"
    WINE = "wine"
    BOTTLING = "bottling"


@dataclass(frozen=True, slots=True)
class Strain:
    """A strain of yeast, with the names under which makers sell it or one that they call its equivalent.

    Attributes:
        name: Usual name.
        other_names: Makers' codes and trade names.
        kind: What it makes of wort.
        source: Publisher of the kind and of the equivalence.
    """

    name: str
    other_names: tuple[str, ...]
    kind: Kind
    source: str


_STYLES: Mapping[Kind, re.Pattern[str]] = {
    kind: re.compile(words)
    for kind, words in (
        (Kind.AMERICAN_ALE, r"\bchico\b|\bamerican (?:ale|pale|ipa)|\bcalifornian? ale|\bwest coast"),
        (Kind.BELGIAN, r"\bbelg|\bsaison|\bmonast|\btrapp?ist|\babbey|\babbaye|\bfarmhouse"),
        (Kind.WHEAT, r"\bwit|\bwheat|weizen|\bwei(?:ss|ß)|\bhefe|\bblanche"),
        (Kind.WILD, r"\bbrett|\blambic|\bwild\b|\bflanders|\bsour\b|\bgueuze"),
        (Kind.LAGER, r"\blager|\bpils|\bhelles|\bbock\b|\bdoppelbock|\bmarzen|\bo[ck]toberfest|\bbohemian"),
        (Kind.ENGLISH_ALE, r"\benglish|\bbritish|\blondon|\bscottish|\birish|\besb\b|\byorkshire|\bburton"),
        (Kind.GERMAN_ALE, r"\bkolsch|\bkoelsch|\baltbier|\balt\b|\bgerman ale"),
        (Kind.BACTERIA, r"\blacto|\bpedio"),
        (Kind.KVEIK, r"\bkveik"),
        (Kind.WINE, r"\bchampagne|\bwine\b|\bcider\b|\bmead\b|\bsake\b|\blalvin"),
    )
}
"""Words by which a name without a known strain still tells its kind."""

_WORD = re.compile(r"[a-z]+|\d+")
_JOINED = re.compile(r"[&+;]|\band\b|\bwith\b")
"""What stands between the yeasts of a mixture."""
_MAKERS = re.compile(r"\bwhite ?labs?(?: wlp)? ?(?=\d)")


@cache
def load() -> Mapping[Words, Strain]:
    """Load the table of strains, read-only, by the words of each name.

    Raises:
        ValueError: If two strains have a name in common.
    """
    result: dict[Words, Strain] = {}
    with TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            others = tuple(filter(None, map(str.strip, row["other_names"].split(";"))))
            strain = Strain(row["name"], others, Kind(row["kind"]), row["source"])
            for name in (strain.name, *others):
                if (other := result.setdefault(_words(_plain(name)), strain)) is not strain:
                    raise ValueError(f"{name!r} of {strain.name} already names {other.name}")
    return MappingProxyType(result)


def kinds(name: str) -> frozenset[Kind]:
    """Find the kinds of a yeast, or of the yeasts of a mixture (``Wyeast 1056 & Brett blend``).

    A maker's code decides; without one the name of a strain, and without that words for a style.

    Args:
        name: Name or code, as recipes and brewing software write it.

    Returns:
        The kinds; empty if neither the table nor a word tells one.
    """
    return _kinds(name) if len(name) <= MAX_NAME_LENGTH else frozenset()


@lru_cache(maxsize=1024)
def _kinds(name: str) -> frozenset[Kind]:
    plain = _plain(name)
    return frozenset().union(*map(_kinds_of_one, _JOINED.split(plain))) if len(plain) <= MAX_DECOMPOSED else frozenset()


def _kinds_of_one(plain: str) -> frozenset[Kind]:
    found = _strains(_words(_MAKERS.sub("wlp", plain)))
    coded = {strain.kind for words, strain in found if any(map(str.isdigit, words))}
    named = coded or {strain.kind for _, strain in found}
    return frozenset(named or {kind for kind, style in _STYLES.items() if style.search(plain)})


def _strains(words: Words) -> list[tuple[Words, Strain]]:
    """Find the names of strains in a text, the longest first at each place."""
    table, found, start = load(), [], 0
    while start < len(words):
        for end in range(min(len(words), start + _LONGEST), start, -1):
            if strain := table.get(words[start:end]):
                found.append((words[start:end], strain))
                start = end - 1
                break
        start += 1
    return found


_LONGEST = 6
"""Words of the longest name in the table."""


def _plain(name: str) -> str:
    """Lower case, without accents and trademark signs."""
    text = unicodedata.normalize("NFKD", re.sub("[™®℠]", " ", name)).casefold()
    return "".join(character for character in text if not unicodedata.combining(character))


def _words(plain: str) -> Words:
    """Words and numbers, without zeros in front: ``WLP001`` and ``wlp 1`` are the same."""
    return tuple(word.lstrip("0") or "0" for word in _WORD.findall(plain) if word != "yeast")
