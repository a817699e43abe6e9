"""Made beers with known faults: records of a stream, and what must become of each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

HOPS = ("Magnum", "Cascade", "Simcoe", "Citra", "Saaz")


@dataclass(frozen=True, slots=True)
class Made:
    """A made record."""

    data: bytes
    kind: str
    """``clean``, ``dropped`` or ``failed``."""
    reason: str = ""


def _beer(number: int, random: Random) -> dict[str, Any]:
    fg = random.randint(1004, 1018)
    og = fg + random.randint(25, 70)
    hops = [
        {
            "name": random.choice(HOPS),
            "amount": {"value": random.randint(5, 60), "unit": "grams"},
            "add": random.choice(["start", "middle", "end", "dry hop"]),
            "attribute": "bitter",
        }
        for _ in range(random.randint(1, 5))
    ]
    malt = [{"name": "Pale Ale", "amount": {"value": round(random.uniform(3, 7), 2), "unit": "kilograms"}}]
    ebc = random.randint(6, 90)
    return {
        "id": number,
        "name": f"Made {number} Bräu",
        "abv": round(0.13125 * (og - fg), 1),
        "ibu": random.randint(5, 120),
        "target_og": og,
        "target_fg": fg,
        "ebc": ebc,
        "srm": round(ebc / 1.97, 1),
        "ph": round(random.uniform(4.0, 4.8), 1),
        "volume": {"value": 20, "unit": "litres"},
        "ingredients": {"malt": malt, "hops": hops, "yeast": "Wyeast 1056"},
    }


def _changed(**changes: Any) -> Callable[[dict[str, Any]], bytes]:
    return lambda beer: json.dumps({**beer, **changes}).encode()


def _of(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], bytes]:
    return lambda beer: json.dumps({**beer, **change(beer)}).encode()


def _twice(beer: dict[str, Any]) -> bytes:
    return json.dumps(beer).replace('"ibu"', '"ibu": 1, "ibu"', 1).encode()


def _heavy_hop(beer: dict[str, Any]) -> dict[str, Any]:
    hop = {"name": "Magnum", "amount": {"value": 1e12, "unit": "grams"}, "add": "start"}
    return {"ingredients": {**beer["ingredients"], "hops": [hop]}}


FAULTS: tuple[tuple[str, str, Callable[[dict[str, Any]], bytes]], ...] = (
    ("clean", "", _of(lambda beer: {"target_og": beer["target_fg"], "target_fg": beer["target_og"]})),
    ("clean", "", _of(lambda beer: {"target_og": beer["target_og"] / 1000, "target_fg": beer["target_fg"] / 1000})),
    ("clean", "", _of(lambda beer: {"abv": str(beer["abv"]), "ebc": "dark", "ph": 44})),
    ("clean", "", _of(lambda beer: {"ebc": beer["srm"], "srm": beer["ebc"], "abv": None})),
    ("clean", "", _of(lambda beer: {"ingredients": {"hops": "many", "malt": [7, {"name": 3}], "yeast": []}})),
    ("dropped", "no_label", _changed(ibu=None)),
    ("dropped", "ibu_copied_from_og", _of(lambda beer: {"ibu": beer["target_og"]})),
    ("dropped", "ibu_above_150", _changed(ibu=2500)),
    ("dropped", "ibu_below_3", _changed(ibu=0)),
    ("dropped", "missing_required", _changed(target_fg=None)),
    ("dropped", "og_out_of_range", _changed(target_og=1999)),
    ("dropped", "abv_out_of_range", _changed(abv=-4)),
    ("failed", "not_json", lambda beer: json.dumps(beer).encode()[:-20]),
    ("failed", "not_json", lambda beer: b"\xff\xfe\x00poison\x1f\x8b"),
    ("failed", "not_an_object", lambda beer: json.dumps([beer]).encode()),
    ("failed", "repeated_key", _twice),
    ("failed", "too_many_ingredients", _of(lambda beer: {"ingredients": {"hops": [{}] * 1001}})),
    ("failed", "hops:less_than_equal", _of(_heavy_hop)),
)


def made_beers(count: int, seed: int = 0, share: float = 0.3) -> list[Made]:
    """Make records, a share of which has a fault.

    Args:
        count: Number of records.
        seed: Seed.
        share: Share of records with a fault.
    """
    random = Random(seed)
    found = []
    for number in range(count):
        beer = _beer(number, random)
        if random.random() < share:
            kind, reason, spoil = random.choice(FAULTS)
            found.append(Made(spoil(beer), kind, reason))
        else:
            found.append(Made(json.dumps(beer).encode(), "clean"))
    return found
