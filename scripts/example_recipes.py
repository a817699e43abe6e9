"""Draw the invented recipes of ``examples/recipes.json``, on which anyone can try ``python -m training``.

Usage: ``python scripts/example_recipes.py > examples/recipes.json``. Nobody brewed these beers. Strength, colour and
bitterness are drawn from ranges typical of a style; the stated IBU are Tinseth's estimate with the alpha acids of the
batch, which differ from the variety's typical figure and are not stated, rounded to whole numbers.
"""

import json
import sys
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.domains.beer.hop_bill import Addition, tinseth  # noqa: E402
from app.domains.beer.stages import Stage  # noqa: E402
from app.domains.beer.tinseth import bigness  # noqa: E402
from app.domains.beer.varieties import find  # noqa: E402

SEED = 22
COUNT = 120
ALPHA_SPREAD = 0.12
"""Standard deviation of a batch's alpha acid, as a part of the variety's typical one."""
FIRST = "Amber Barley Chalk Cooper's Drizzle Ember Ferry Granite Harvest Inland Juniper Kiln Lantern Marble Nettle"
SECOND = "Bridge Corner Drum Engine Fields Gate Hollow Island Jetty Kettle Lane Meadow Needle Orchard Parade Quarry"


class Style(NamedTuple):
    """Ranges and ingredients of a style; strength in points, colour in EBC, bitterness in IBU."""

    og: tuple[int, int]
    attenuation: tuple[float, float]
    ebc: tuple[int, int]
    ibu: tuple[int, int]
    malts: str
    bittering: str
    aroma: str
    yeasts: str
    dry_hop: float = 0.0
    """Grams per litre of dry hops at most."""


STYLES = (
    Style((1044, 1054), (0.78, 0.84), (5, 9), (18, 40), "Pilsner,Carapils", "Magnum,Perle", "Saaz,Tettnang", "W-34/70"),
    Style(
        (1034, 1046), (0.72, 0.8), (14, 28), (22, 38), "Maris Otter,Crystal", "Challenger", "Fuggle,Goldings", "S-04"
    ),
    Style((1046, 1056), (0.74, 0.82), (8, 16), (28, 48), "Pale Ale,Caramalt", "Magnum", "Cascade,Amarillo", "US-05", 3),
    Style(
        (1056, 1070), (0.76, 0.84), (9, 18), (45, 80), "Extra Pale,Caramalt", "Columbus", "Simcoe,Citra", "US-05", 10
    ),
    Style(
        (1070, 1090),
        (0.76, 0.82),
        (12, 20),
        (70, 110),
        "Extra Pale,Munich",
        "Warrior",
        "Centennial,Mosaic",
        "US-05",
        14,
    ),
    Style(
        (1048, 1062), (0.7, 0.76), (60, 120), (25, 45), "Pale Ale,Chocolate,Crystal", "Challenger", "Goldings", "S-04"
    ),
    Style(
        (1075, 1110), (0.68, 0.76), (120, 280), (45, 85), "Pale Ale,Roasted Barley,Oats", "Magnum", "Fuggle", "US-05"
    ),
    Style((1046, 1056), (0.74, 0.82), (6, 12), (9, 18), "Wheat,Pilsner", "Perle", "Hallertauer Mittelfrüh", "WB-06"),
    Style(
        (1050, 1065), (0.82, 0.92), (6, 14), (18, 36), "Pilsner,Wheat", "Perle", "Saaz,Styrian Goldings", "Wyeast 3711"
    ),
    Style((1062, 1085), (0.76, 0.86), (14, 40), (20, 36), "Pilsner,Munich,Caramunich", "Magnum", "Saaz", "Wyeast 3787"),
)


def main() -> None:
    """Print the recipes, one a line."""
    draw = Random(SEED)  # nosec B311
    names = [f"{first} {second}" for first in FIRST.split() for second in SECOND.split()]
    draw.shuffle(names)
    lines = [json.dumps(_recipe(number, names[number], draw), ensure_ascii=False) for number in range(COUNT)]
    print("[\n" + ",\n".join(lines) + "\n]")


def _recipe(number: int, name: str, draw: Random) -> dict[str, Any]:
    style = STYLES[number % len(STYLES)]
    litres = draw.choice((10, 20, 20, 23, 50))
    og = draw.randint(*style.og)
    fg = round(og - (og - 1000) * draw.uniform(*style.attenuation))
    ebc = draw.randint(*style.ebc)
    hops, ibu = _hops(style, litres, og, draw)
    return {
        "id": number + 1,
        "name": name,
        "abv": round((og - fg) * 0.13125, 1),
        "ibu": ibu,
        "target_og": og,
        "target_fg": fg,
        "ebc": ebc,
        "srm": round(ebc / 1.97, 1),
        "ph": round(draw.gauss(4.35, 0.1), 1),
        "volume": {"value": litres, "unit": "litres"},
        "ingredients": {
            "malt": _malts(style, litres, og, draw),
            "hops": hops,
            "yeast": draw.choice(style.yeasts.split(",")),
        },
    }


def _malts(style: Style, litres: int, og: int, draw: Random) -> list[dict[str, Any]]:
    base, *others = style.malts.split(",")
    weight = litres * (og - 1000) / 1000 * 4.1  # kg, for a yield of 75 % of the malt's extract
    shares = {other: draw.uniform(0.04, 0.12) for other in others}
    amounts = {base: 1 - sum(shares.values()), **shares}
    return [
        {"name": malt, "amount": {"value": round(weight * share, 2), "unit": "kilograms"}}
        for malt, share in amounts.items()
    ]


def _hops(style: Style, litres: int, og: int, draw: Random) -> tuple[list[dict[str, Any]], int]:
    """Draw a bill whose bitterness is about that of the style, and the IBU of the batch brewed by it."""
    aroma = style.aroma.split(",")
    target = draw.uniform(*style.ibu)
    late = target / 30 * draw.uniform(0.3, 1.0)  # g/l
    bill: list[tuple[str, float, int | Stage]] = [
        (draw.choice(aroma), late * litres, draw.choice((5, 10, 15))),
        (draw.choice(aroma), late * litres * draw.uniform(0.2, 1), Stage.WHIRLPOOL),
    ]
    variety, minutes = draw.choice(style.bittering.split(",")), draw.choice((60, 60, 75, 90))
    missing = max(target - _ibu(bill, litres, og), 3.0)
    bill.insert(0, (variety, missing / _ibu([(variety, 1.0, minutes)], litres, og), minutes))
    if style.dry_hop:
        bill.append((draw.choice(aroma), litres * draw.uniform(0.2, 1) * style.dry_hop, Stage.DRY_HOP))
    bill = [(name, max(round(grams / 5) * 5, 5), time) for name, grams, time in bill]
    batch = {name: draw.gauss(1, ALPHA_SPREAD) for name, _, _ in bill}
    entries = [
        {
            "name": name,
            "amount": {"value": grams, "unit": "grams"},
            "add": f"{time} min" if isinstance(time, int) else time.replace("_", " "),
        }
        for name, grams, time in bill
    ]
    return entries, round(_ibu([(name, grams * batch[name], time) for name, grams, time in bill], litres, og))


def _ibu(bill: list[tuple[str, float, int | Stage]], litres: float, og: float) -> float:
    additions = []
    for name, grams, time in bill:
        variety = find(name)
        if variety is None:
            raise SystemExit(f"unknown hop: {name}")
        alpha = variety.alpha_typical
        additions.append(
            Addition.at_minutes(grams, alpha, time) if isinstance(time, int) else Addition.at_stage(grams, alpha, time)
        )
    return tinseth(additions, litres, bigness(og))


if __name__ == "__main__":
    main()
