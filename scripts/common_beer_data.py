"""Compare the table of hop varieties with common-beer-data (MIT licence), and write the uses that it states.

Usage: ``python scripts/common_beer_data.py HOPS [--write]``, for example
``../shared/data/brewing/common-beer-data/hops.json``. Prints the varieties whose alpha acid there is outside the range
here; ``--write`` writes `app/domains/beer/hop_uses.csv` anew.
"""

import csv
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.domains.beer.substitutes import TABLE, Use  # noqa: E402
from app.domains.beer.varieties import Variety, find  # noqa: E402


def read(path: Path) -> list[tuple[dict[str, Any], Variety]]:
    """Read the hops with the variety that each is here.

    Raises:
        ValueError: If a hop is not in the table of varieties.
    """
    pairs = []
    for entry in json.loads(path.read_text("utf-8"))["hops"]:
        hop = entry["hop"]
        variety = find(hop["name"])
        if variety is None:
            raise ValueError(f"{hop['name']} is not in the table of varieties")
        pairs.append((hop, variety))
    return pairs


def differences(pairs: list[tuple[dict[str, Any], Variety]]) -> list[str]:
    """Rows of a Markdown table of the hops whose alpha acid is outside the variety's range."""
    rows = []
    for hop, variety in sorted(pairs, key=lambda pair: pair[1].name):
        alpha = round(100 * hop["alpha"], 1)
        if not variety.alpha_low <= alpha <= variety.alpha_high:
            here = f"{variety.alpha_low:g} to {variety.alpha_high:g}, typical {variety.alpha_typical:g}"
            rows.append(f"| {hop['name']} | {alpha:g} | {here} | {variety.source} |")
    return rows


def uses(pairs: list[tuple[dict[str, Any], Variety]]) -> list[tuple[str, str, str]]:
    """Rows of the table of uses: of several hops that are one variety, the one with its name counts."""
    rows: dict[str, tuple[str, str, str]] = {}
    for hop, variety in pairs:
        if variety.name in rows and hop["name"] != variety.name:
            continue
        others = (find(name.strip()) for name in hop["substitutes"].split(","))
        names = dict.fromkeys(other.name for other in others if other and other is not variety)
        rows[variety.name] = (variety.name, Use(hop["type"].lower()).value, "; ".join(names))
    return sorted(rows.values())


def main(arguments: list[str]) -> None:
    """Print the differences; write the table of uses if asked to."""
    pairs = read(Path(arguments[0]))
    print("| hop | alpha acid there, % | here, % | source of the range here |\n|---|---|---|---|")
    print("\n".join(differences(pairs)))
    if "--write" in arguments:
        with TABLE.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("name", "use", "substitutes"))
            writer.writerows(uses(pairs))


if __name__ == "__main__":
    main(sys.argv[1:])
