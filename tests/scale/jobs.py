"""Jobs of the tests, their output, and rows of all kinds."""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyarrow import parquet

from app.scoring.layout import LOCK
from app.scoring.output import Output
from app.scoring.parts import Job
from app.scoring.run import Engine, Outcome, in_this_process, run_job
from app.scoring.scorer import LoadedScorer, Model
from app.scoring.sources import find_sources

VARIETIES = ("Magnum", "Simcoe", "Citra", "no such hop", "Hallertauer Mittelfrueh")


class Quiet:
    """Shows nothing, and remembers."""

    def __init__(self) -> None:
        self.rows = 0
        self.total = 0

    def planned(self, sources: int) -> None:
        pass

    def begin(self, rows: int) -> None:
        self.total = rows

    def answered(self, rows: int) -> None:
        self.rows += rows


def score(
    loaded: LoadedScorer,
    sources: Sequence[Path | str],
    out: Path | str,
    *,
    format: str = "jsonl",
    model: Model | None = None,
    engine: Engine | None = None,
    endpoint: str = "",
    watch: Quiet | None = None,
) -> Outcome:
    """Score files in this process."""
    job = Job(model or Model(), loaded.digests, format, Output(str(out), endpoint))
    found = find_sources([str(source) for source in sources], endpoint, str(out))
    return run_job(job, found, loaded, engine or in_this_process(loaded), watch or Quiet())


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "manifest.json").read_bytes())
    return found


def predictions(out: Path) -> list[dict[str, Any]]:
    """The predictions in a folder, by the order of the files and of the rows in them."""
    found: list[dict[str, Any]] = []
    for path in sorted((out / "predictions").glob("*")):
        if path.suffix == ".parquet":
            found += parquet.read_table(path).to_pylist()
        else:
            found += [json.loads(line) for line in path.read_text().splitlines()]
    return found


def errors(out: Path) -> dict[int, list[dict[str, str]]]:
    """The errors of each row in a folder of one source."""
    lines = [line for path in sorted((out / "errors").glob("*")) for line in path.read_text().splitlines()]
    return {line["row"]: line["errors"] for line in map(json.loads, lines)}


def contents(out: Path) -> dict[str, bytes]:
    """Every file of an output, without its lock, which only the command makes."""
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files if path.name != LOCK}


def beers(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of all kinds: for each of the models, in other units, incomplete, implausible and invalid."""
    chance = random.Random(seed)
    return [_beer(chance, number) for number in range(count)]


def _beer(chance: random.Random, number: int) -> dict[str, Any]:
    fg = float(chance.randint(1000, 1030))
    beer: dict[str, Any] = {
        "id": f"b{number}",
        "abv": round(chance.uniform(2, 12), 1),
        "target_og": fg + chance.randint(0, 80),
        "target_fg": fg,
        "ebc": round(chance.uniform(2, 80), 1),
        "srm": round(chance.uniform(1, 40), 1),
        "ph": round(chance.uniform(3.9, 5.2), 2),
    }
    for name in ("abv", "ebc", "srm", "ph"):
        if chance.random() < 0.3:
            del beer[name]
    kind = chance.random()
    if kind < 0.1:
        beer |= {name: round(beer[name] / 1000, 4) for name in ("target_og", "target_fg")}
    elif kind < 0.15:
        beer["ebc"], beer["srm"] = round(chance.uniform(2, 20), 1), round(chance.uniform(20, 80), 1)
    elif kind < 0.2:
        beer["style"] = chance.choice(["21A", "American IPA", "no such style"])
    elif kind < 0.3:
        beer["hops"] = [
            {"name": chance.choice(VARIETIES), "amount_g": chance.randint(5, 90), "boil_minutes": chance.randint(0, 90)}
            for _ in range(chance.randint(0, 4))
        ]
        beer["malts"] = [{"name": "Pale Ale", "amount_kg": 4.5}, {"name": "Caramalt", "amount_kg": 0.4}]
        beer["yeast"] = chance.choice(["Wyeast 1056", "no such yeast"])
    elif kind < 0.33:
        beer["coverage"] = [0.5, 0.8]
    elif kind < 0.36:
        beer["target_fg"] = beer["target_og"] + 1
    elif kind < 0.39:
        beer["abv"] = 71.5
    elif kind < 0.41:
        del beer["target_og"]
    elif kind < 0.43:
        beer["ph"] = chance.choice([1.0, 2.5, 7.0])
    elif kind < 0.45:
        beer["target_og"] = chance.choice([900.0, 1300.0, 1300.5, 0.9, 1.3])
        beer["target_fg"] = 900.0
    return beer
