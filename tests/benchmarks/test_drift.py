"""False alarms and detection of the command ``drift`` on simulated weeks; docs/drift.md has the full figures."""

from functools import cache

import numpy as np
import onnxruntime as ort
import pytest

from app.bundle.distribution import KEY
from app.bundle.manifest import MODEL
from app.bundle.store import read_bundle
from benchmarks.drift import RULE_DAYS, RULE_MISSING, RULE_PSI, RULE_VALUES, detection, quiet, rule, shifts
from benchmarks.weeks import World
from tests.committed import committed
from tests.known import REPOSITORY
from training.beer.catalogue import SPECS
from training.distribution import answers_of, distribution
from training.sources import read_recipes
from training.spec_trainer import declared_inputs, prepare


@cache
def _world(name: str) -> World:
    """A committed model as if it had been trained on the invented recipes of the tests."""
    bundle, spec = read_bundle(committed(name)), SPECS[name]
    rows = prepare(spec, read_recipes(str(REPOSITORY / "tests" / "data" / "recipes.json")).recipes).inputs
    names = [output.name for output in bundle.manifest.outputs]
    values = ort.InferenceSession(bundle.files[MODEL]).run(names, {"features": np.ascontiguousarray(rows, np.float32)})
    answers = answers_of(dict(zip(names, values, strict=True)))
    inputs = declared_inputs(spec, rows)
    stated = {**bundle.manifest.metrics.values, KEY: distribution(inputs, rows, answers)}
    changed = {
        "inputs": inputs,
        "metrics": bundle.manifest.metrics.model_copy(update={"values": stated}),
        "training_data": bundle.manifest.training_data.model_copy(update={"rows_used": len(rows)}),
    }
    return World(bundle.manifest.model_copy(update=changed), rows, answers)


@pytest.mark.parametrize("name", ["beer-ibu-recipe", "beer-ibu"])
def test_quiet_weeks_raise_no_alarm(name: str) -> None:
    assert quiet(_world(name), 8, np.random.default_rng(3)) == (0, 0, [])


def test_the_rules_for_prometheus_are_those_that_are_simulated() -> None:
    rules = (REPOSITORY / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8")
    assert rules.count(f"[{RULE_DAYS}d])) > {RULE_VALUES}\n") == 2
    assert f"model_input:psi:increase{RULE_DAYS}d > {RULE_PSI}\n" in rules and f") > {RULE_MISSING}\n" in rules
    assert rule(_world("beer-ibu"), 8, np.random.default_rng(9))[:2] == (6, 0)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["beer-ibu-recipe", "beer-ibu"])
def test_a_thousand_quiet_weeks_raise_no_alarm(name: str) -> None:
    assert quiet(_world(name), 1000, np.random.default_rng(1)) == (0, 0, [])


def test_planted_shifts_are_found_within_the_rows_that_theory_says() -> None:
    world = _world("beer-ibu")
    chosen = {("abv", "+0.5"), ("target_og", "Plat"), ("ebc", "30 %")}
    planted = [one for one in shifts(world) if (one[0], one[1][:4]) in chosen]
    assert len(planted) == len(chosen)
    for name, words, shift in planted:
        theory, share, _ = detection(world, name, shift, 30, np.random.default_rng(2))
        assert theory and share >= 0.8, (name, words, theory)  # 0.95, less the chance of 30 samples


def test_weeks_have_the_distribution_of_the_training_data_and_tries_that_count_once() -> None:
    world, random = _world("beer-ibu-recipe"), np.random.default_rng(4)
    inputs, _ = world.draw(20_000, random)
    for variable, column in zip(world.variables, inputs.T, strict=False):
        count = variable.count(column)
        assert count.bins / count.bins.sum() == pytest.approx(np.array(variable.shares), abs=0.015)
    week = world.week(300, True, random)
    assert len(week.inputs) == 500
    assert world.recorded(week).recipes < week.recipes < 250
