"""Row validation: bounds with units, and warnings exactly outside the trained range."""

import numpy as np
import pytest

from app.bundle.store import Bundle, read_bundle
from app.domains.beer.api import RECIPE
from app.domains.beer.corrections import Corrections
from app.domains.beer.plausibility import MANY, PlausibilityChecks
from app.domains.beer.row_validation import FEW, BeerRowValidator
from app.errors import InputError
from tests.committed import committed
from tests.known import BEER


def validator(bundle: Bundle) -> BeerRowValidator:
    return BeerRowValidator(bundle.manifest, Corrections(bundle.manifest), PlausibilityChecks(bundle.manifest))


def bundles(bundle: Bundle) -> list[Bundle]:
    return [bundle, read_bundle(committed(RECIPE))]


def test_an_end_of_a_range_is_inside_it_in_single_precision_as_well(bundle: Bundle) -> None:
    for released in bundles(bundle):
        manifest = released.manifest
        checks = PlausibilityChecks(manifest)
        for end in 0, 1:
            for column, declared in enumerate(manifest.inputs):
                assert declared.trained_range
                exact = np.full((1, len(manifest.inputs)), np.nan)
                exact[0, column] = declared.trained_range[end]
                single = exact.astype(np.float32).astype(np.float64)
                assert checks.by_row(exact) == checks.by_row(single) == [], (declared.name, end)
                assert checks.by_row(np.repeat(single, MANY, axis=0)) == []
                exact[0, column] += (2 * end - 1) * 0.01
                assert [w["code"] for _, w in checks.by_row(exact)] == ["outside_trained_range"], declared.name


def test_many_rows_get_the_warnings_of_each_row_alone(bundle: Bundle) -> None:
    random = np.random.default_rng(3)
    rows = np.tile(np.array(list(BEER.values())), (200, 1)) * random.uniform(0.8, 1.2, (200, 6))
    rows[random.random((200, 6)) < 0.1] = np.nan
    checks = PlausibilityChecks(bundle.manifest)
    alone = [(number, warning) for number, row in enumerate(rows.tolist()) for warning in checks.of(row)]
    assert checks.by_row(rows) == alone and len(alone) > 100


@pytest.mark.parametrize("more", [0, FEW], ids=["few", "many"])
@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [("abv", 71, "0 to 70 % vol"), ("target_og", 1.056, "900 to 1300 points"), ("ebc", -1, "0 to 1000 EBC")],
)
def test_a_value_out_of_bounds_is_rejected_with_the_range_and_unit(
    bundle: Bundle, name: str, value: float, allowed: str, more: int
) -> None:
    right = list(BEER.values())
    rows = np.array([right, list({**BEER, name: value}.values()), *[right] * more], dtype=np.float32)
    with pytest.raises(InputError) as caught:
        validator(bundle).validate(rows)
    assert (f"inputs.{name}", f"row 1: must be {allowed}") in [(p.field, p.reason) for p in caught.value.problems]


@pytest.mark.parametrize("more", [0, FEW], ids=["few", "many"])
def test_swapped_gravities_are_rejected(bundle: Bundle, more: int) -> None:
    right = list(BEER.values())
    swapped = list({**BEER, "target_og": BEER["target_fg"], "target_fg": BEER["target_og"]}.values())
    with pytest.raises(InputError) as caught:
        validator(bundle).validate(np.array([right, swapped, *[right] * more], dtype=np.float32))
    (problem,) = caught.value.problems
    assert problem.field == "inputs.target_fg" and problem.reason.startswith("row 1: the final gravity is above")
    assert validator(bundle).validate(np.array([right] * (more + 1), dtype=np.float32)) == []
