"""``python -m benchmarks.drift``: false alarms and detection of ``python -m app drift``, on simulated weeks.

Weeks without drift are drawn from the recipes that a model was trained on, varied within their bins, with 20 to 5,000
rows; every second week has one brewer who tries 200 variants of a recipe. Then shifts are planted, and the number of
recipes with which nine of ten are found is compared with theory. Prints Markdown; docs/drift.md has it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from app.bundle.manifest import MODEL
from app.bundle.store import read_bundle
from app.drift.assessment import CHECKS, assess
from app.drift.samples import ONE_BREWER, Sample
from app.drift.significance import psi
from app.drift.variables import Count, Variable
from benchmarks.drift_power import needed
from benchmarks.weeks import FEWEST, MOST, World
from training.beer.catalogue import SPECS
from training.distribution import answers_of
from training.sources import read_recipes
from training.spec_trainer import prepare

ROOT = Path(__file__).resolve().parents[1]
_Array = npt.NDArray[Any]
Shift = Callable[[_Array, np.random.Generator], _Array]
"""Changes values of an input, shape (n_rows,), NaN where missing."""
OUNCE = 28.35
DAY = 86400.0
RULE_PSI, RULE_MISSING, RULE_VALUES, RULE_DAYS = 0.2, 0.2, 2000, 7
"""Bounds of the alerts `BeerModelInputDrift` and `BeerModelInputMissing` in deploy/prometheus/alerts.yml."""
FOUND = 0.9
"""Share of the samples with a shift in which it is to be found."""
GRID = (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
"""Numbers of recipes that are tried, as parts of the number that theory says."""


def main() -> int:
    """Run the simulations and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--data", required=True, help="the recipes that the committed models were trained on")
    parser.add_argument(
        "--weeks", type=int, default=1000, help="weeks without drift of each model (default: %(default)s)"
    )
    parser.add_argument("--trials", type=int, default=200, help="samples of each shift (default: %(default)s)")
    parser.add_argument("--models", nargs="+", default=["beer-ibu-recipe", "beer-ibu"])
    parser.add_argument("--version", default="2", help="version of the models (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("| model | weeks | rows a week | with records: alarms | with counters: alarms |\n|---|---|---|---|---|")
    total = 0
    worlds = [world(options.data, name, options.version) for name in options.models]
    for each in worlds:
        recorded, counted, lines = quiet(each, options.weeks, np.random.default_rng(options.seed))
        total += recorded + counted
        print(f"| {each.manifest.name} | {options.weeks} | {FEWEST} to {MOST} | {recorded} | {counted} |", flush=True)
        print("\n".join(lines), file=sys.stderr)
    print("\n| model | weeks | weeks with more than 2,000 values in 7 days | alarms of the rules | largest index |")
    print("|---|---|---|---|---|")
    for each in worlds if options.weeks else ():
        judged, alarms, largest = rule(each, options.weeks, np.random.default_rng(options.seed))
        total += alarms
        print(f"| {each.manifest.name} | {options.weeks} | {judged} | {alarms} | {largest:.2f} |", flush=True)
    print("\n| model | what | shift | by theory | found there | nine of ten found at |\n|---|---|---|---|---|---|")
    random = np.random.default_rng(options.seed)
    for each in worlds:
        for name, words, shift in shifts(each):
            theory, share, measured = detection(each, name, shift, options.trials, random)
            figures = f"{theory} | {share:.0%} | {measured}" if theory else "never | - | -"
            print(f"| {each.manifest.name} | {name} | {words} | {figures} |", flush=True)
    return 1 if total else 0


def world(data: str, name: str, version: str) -> World:
    """Return the brewers of a committed model's training data.

    Args:
        data: File of recipes.
        name: Name of the model.
        version: Its version.
    """
    bundle = read_bundle(ROOT / "models" / name / version)
    rows = prepare(SPECS[name], read_recipes(data).recipes).inputs
    outputs = [output.name for output in bundle.manifest.outputs]
    session = ort.InferenceSession(bundle.files[MODEL])
    values = session.run(outputs, {bundle.manifest.packed: np.ascontiguousarray(rows, np.float32)})
    return World(bundle.manifest, rows, answers_of(dict(zip(outputs, values, strict=True))))


def quiet(each: World, weeks: int, random: np.random.Generator) -> tuple[int, int, list[str]]:
    """Count alarms in weeks without drift.

    Args:
        each: The brewers.
        weeks: Number of weeks.
        random: Source of random numbers.

    Returns:
        Weeks with an alarm from records and from counters; and a line for each alarm.
    """
    alarms, lines = [0, 0], []
    for index in range(weeks):
        rows = round(float(np.exp(random.uniform(np.log(FEWEST), np.log(MOST)))))
        week = each.week(rows, index % 2 == 0, random)
        for kind, sample in enumerate((each.recorded(week), each.counted(week))):
            found = [one for one in assess([sample], is_quick=True) if one.is_alarm]
            alarms[kind] += bool(found)
            lines += [
                f"week {index}, {sample.rows} rows, {sample.recipes} recipes: {one.variable.name}: {one.moved}"
                for one in found
            ]
    return alarms[0], alarms[1], lines


def rule(each: World, weeks: int, random: np.random.Generator) -> tuple[int, int, float]:
    """Evaluate the rules for Prometheus on the counters of weeks without drift, over the last seven days, once a day.

    Returns:
        Number of weeks in which there were enough values; in which a rule alarmed; and the largest index of these.
    """
    variables = [one for one in each.variables if one.kind == "input"]
    days: list[list[Count]] = []
    judged, alarms, largest = 0, 0, 0.0
    for index in range(weeks):
        rows = round(float(np.exp(random.uniform(np.log(FEWEST), np.log(MOST)))))
        week = each.week(rows, index % 2 == 0, random)
        of_day = np.minimum(week.times // DAY, RULE_DAYS - 1)
        indices, broken = [], False
        for day in range(RULE_DAYS):
            columns = week.inputs[of_day == day].T
            days = [
                *days[1 - RULE_DAYS :],
                [one.count(column) for one, column in zip(variables, columns, strict=True)],
            ]
            for variable, counts in zip(variables, zip(*days, strict=True), strict=True):
                bins, missing = sum(one.bins for one in counts), sum(one.missing for one in counts)
                if bins.sum() > RULE_VALUES:
                    indices.append(psi(np.array(variable.shares), bins / bins.sum()))
                if variable.missing is not None and bins.sum() + missing > RULE_VALUES:
                    broken |= abs(missing / (bins.sum() + missing) - variable.missing) > RULE_MISSING
        judged += bool(indices)
        largest = max([largest, *indices])
        alarms += broken or max(indices, default=0.0) > RULE_PSI
    return judged, alarms, largest


def shifts(each: World) -> list[tuple[str, str, Shift]]:
    """The shifts that are planted: name of the input, what happens in words, and the shift."""
    planted: list[tuple[str, str, Shift]] = []
    for index, name in enumerate(each.names):
        values = each.rows[:, index]
        known = values[~np.isnan(values)]
        if set(np.unique(known).tolist()) <= {0.0, 1.0}:
            planted.append((name, "a third of the 0 become 1, and of the 1 0", _swapped))
            continue
        half = float(known.std()) / 2
        unit = each.manifest.inputs[index].unit
        planted.append((name, f"+0.5 sd (+{half:.3g}{' ' + unit if unit else ''})", _added(half)))
        if name.startswith("hops_"):
            planted.append((name, "ounces sent as grams", lambda old, _: old / OUNCE))
        if name == "target_og":
            planted.append((name, "Plato sent as points", lambda old, _: 1000 + (old - 1000) / 4))
        if each.manifest.inputs[index].optional:
            planted.append((name, "30 % missing", _missing(0.3)))
    return planted


def detection(
    each: World, name: str, shift: Shift, trials: int, random: np.random.Generator
) -> tuple[int | None, float, str]:
    """Compare the number of recipes that a shift takes with theory.

    Returns:
        The number by theory; the share of samples of this number in which the input is found; and the smallest number
        tried from which on nine of ten are found.
    """
    index = each.names.index(name)
    variable = next(one for one in each.variables if (one.kind, one.name) == ("input", name))
    # the shifted distribution, from many draws
    many = variable.count(shift(each.draw(50_000, random)[0][:, index], random))
    shares, missing = many.bins / many.bins.sum(), many.missing / many.rows
    tests = CHECKS * sum(2 + (one.missing is not None) for one in each.variables)
    theory = needed(variable, shares, missing, tests, ONE_BREWER)
    if theory is None:
        return None, 0.0, "-"
    found = {part: _found(each, index, variable, shift, round(theory * part), trials, random) for part in GRID}
    enough = [part for part in GRID if all(found[later] >= FOUND for later in GRID if later >= part)]
    return theory, found[1.0], str(round(theory * enough[0])) if enough else f"> {round(theory * GRID[-1])}"


def _found(
    each: World, index: int, variable: Variable, shift: Shift, recipes: int, trials: int, random: np.random.Generator
) -> float:
    found = 0
    tests = sum(2 + (one.missing is not None) for one in each.variables)
    own = 2 + (variable.missing is not None)
    for _ in range(trials):
        count = variable.count(shift(each.draw(recipes, random)[0][:, index], random))
        sample = Sample(each.manifest.name, each.manifest.version, recipes, recipes, ((variable, count),), ONE_BREWER)
        # one variable has fewer tests than all of them: corrected as if all were tested
        found += assess([sample], checks=CHECKS * tests // own, is_quick=True)[0].is_alarm
    return found / trials


def _added(amount: float) -> Shift:
    return lambda old, _: old + np.float32(amount)


def _missing(share: float) -> Shift:
    return lambda old, random: np.where(random.random(len(old)) < share, np.float32(np.nan), old)


def _swapped(old: _Array, random: np.random.Generator) -> _Array:
    return np.where(random.random(len(old)) < 1 / 3, 1 - old, old)


if __name__ == "__main__":
    sys.exit(main())
