"""Vital figures as arrays are validated and answered as one beer by itself, to the digit."""

import math
import random

import numpy as np
import pytest
from pydantic import ValidationError

from app.domains.beer.api import VITALS, BeerApi
from app.domains.beer.schema import Beer
from app.domains.beer.vital_figures import FIELDS, answer_vitals, are_valid, assumptions_of
from app.errors import InputError
from app.models.manager import ModelManager

NAN = math.nan


def figures(count: int) -> list[list[float]]:
    chance = random.Random(3)
    rows = []
    for _ in range(count):
        fg = chance.choice([float(chance.randint(995, 1030)), round(chance.uniform(0.995, 1.03), 4)])
        og = chance.choice([float(chance.randint(990, 1100)), round(chance.uniform(0.99, 1.1), 4)])
        others = [round(chance.uniform(0, high), 2) if chance.random() < 0.7 else NAN for high in (15, 90, 50, 8)]
        rows.append([others[0], og, fg, *others[1:]])
    return [*rows, *([NAN, og, 900.0, NAN, NAN, NAN] for og in (900, 1300, 1300.1, 1.3, 0.9, 0.8999, 50, NAN))]


def alone(domain: BeerApi, row: list[float]) -> object:
    """What the API answers to the beer; None if it is invalid."""
    values = {name: value for name, value in zip(FIELDS, row, strict=True) if not math.isnan(value)}
    try:
        return domain.predict(Beer.model_validate(values))
    except (InputError, ValidationError):
        return None


def test_each_beer_is_answered_as_by_itself(domain: BeerApi, manager: ModelManager) -> None:
    rows = figures(400)
    expected = [alone(domain, row) for row in rows]
    table = np.array(rows)
    valid = are_valid(table)
    assert valid.tolist() == [answer is not None for answer in expected]
    assert 100 < valid.sum() < 350
    answers = answer_vitals(manager.get(VITALS), table[valid])
    assert answers.is_valid.all()
    warnings: dict[int, list[object]] = {}
    for index, warning in answers.warnings:
        warnings.setdefault(index, []).append(warning)
    model = {"name": VITALS, "version": manager.get(VITALS).manifest.version}
    for index, answer in enumerate(filter(None, expected)):
        found = {**answers.parts(index), "model": model, "warnings": warnings.get(index, [])}
        if not math.isnan(answers.bu_gu[index]):
            found["bu_gu"] = answers.bu_gu[index]
        if assumed := assumptions_of(answers.assumed.get(index)):
            found["assumptions"] = assumed
        assert found == answer


@pytest.mark.parametrize("value", [math.inf, -math.inf, -1e-9, 70.0001])
def test_a_figure_that_is_out_of_bounds_is_not_valid(value: float) -> None:
    assert are_valid(np.array([[value, 1050.0, 1010.0, NAN, NAN, NAN]])).tolist() == [False]
