"""Observers of a loaded version."""

from collections.abc import Iterator

import numpy as np
import pytest

from app.domains.beer.api import VITALS
from app.models.loaded import LoadedModel, Observer
from app.models.manager import ModelManager

INPUTS = {"features": np.zeros((1, 6), np.float32)}


def _noting(seen: list[str], name: str) -> Observer:
    return lambda inputs, outputs, seconds, requests: seen.append(f"{name} {len(outputs['ibu'])} {list(requests)}")


@pytest.fixture
def model(manager: ModelManager) -> Iterator[LoadedModel]:
    """The loaded model, without observers before and after."""
    model = manager.get(VITALS)
    assert model.observers == ()
    yield model
    model.observers = ()


def test_every_observer_sees_a_run(model: LoadedModel) -> None:
    seen: list[str] = []
    for name in "first", "second":
        model.add_observer(_noting(seen, name))
    model.infer(INPUTS, requests=["a beer"])
    assert seen == ["first 1 ['a beer']", "second 1 ['a beer']"]


def test_the_end_of_one_observer_leaves_the_others(model: LoadedModel) -> None:
    seen: list[str] = []
    first, second = _noting(seen, "first"), _noting(seen, "second")
    for observer in first, second:
        model.add_observer(observer)
    for _ in range(2):  # the second time it is gone already
        model.remove_observer(first)
    model.infer(INPUTS)
    assert seen == ["second 1 []"]


def test_runs_that_answer_no_request_are_not_observed(model: LoadedModel) -> None:
    seen: list[str] = []
    model.add_observer(_noting(seen, "first"))
    model.what_if(INPUTS)
    assert seen == []
