"""A recipe in the format of the Punk API, and one of which no beer can be made."""

from typing import Any

GOOD: dict[str, Any] = {
    "name": "Best Bitter",
    "abv": 4.2,
    "ibu": 32,
    "target_og": 1042,
    "target_fg": 1010,
    "volume": {"value": 20, "unit": "litres"},
    "ingredients": {
        "malt": [{"name": "Maris Otter", "amount": {"value": 3.8, "unit": "kilograms"}}],
        "hops": [{"name": "Fuggles", "amount": {"value": 40, "unit": "grams"}, "add": "start"}],
    },
}
BAD: dict[str, Any] = {"name": "No gravity", "ingredients": {"malt": [], "hops": []}}
