"""The beer API: properties that hold for every beer and every model."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bundle.store import highest, read_bundle
from app.domains.beer.answers import Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.corrections import Corrections
from app.domains.beer.recipe import vital_rows
from app.domains.beer.schema import Beer, Beers
from app.domains.beer.units import EBC_PER_SRM, alcohol
from app.errors import InputError, InvalidOutput, ModelNotFound, ModelNotReady
from app.models.manager import ModelManager
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays
from tests.model_manager import model_manager


def _decimals(low: int, high: int, places: int) -> st.SearchStrategy[float]:
    """Numbers with this many decimal places."""
    scale = 10**places
    return st.integers(low * scale, high * scale).map(lambda n: n / scale)


ABV = _decimals(0, 70, 2)
TENTHS_OF_POINTS = st.tuples(st.integers(9000, 13000), st.integers(9000, 13000)).map(sorted)
EBC = st.none() | _decimals(0, 1000, 1)
SRM = st.none() | _decimals(0, 600, 1)
PH = st.none() | st.integers(250, 700).map(lambda n: n / 100)


@st.composite
def beers(draw: st.DrawFn) -> Beer:
    """Accepted beers, plausible or not."""
    fg, og = draw(TENTHS_OF_POINTS)
    og_in, fg_in = draw(st.sampled_from([10, 10000])), draw(st.sampled_from([10, 10000]))
    return Beer(abv=draw(ABV), target_og=og / og_in, target_fg=fg / fg_in, ebc=draw(EBC), srm=draw(SRM), ph=draw(PH))


def _rewritten(beer: Beer, **changed: float | None) -> Beer:
    return Beer.model_validate({**beer.model_dump(), **changed})


@given(beers(), TENTHS_OF_POINTS)
def test_points_and_specific_gravity_give_the_same_answer(domain: BeerApi, beer: Beer, tenths: list[int]) -> None:
    fg, og = tenths
    ways = [
        _rewritten(beer, target_og=og / og_in, target_fg=fg / fg_in) for og_in in (10, 10000) for fg_in in (10, 10000)
    ]
    first, *others = map(domain.predict, ways)
    assert all(other == first for other in others)


@given(beers())
def test_alcohol_that_is_not_stated_follows_from_the_gravities(domain: BeerApi, beer: Beer) -> None:
    computed = domain.predict(_rewritten(beer, abv=None))
    stated = domain.predict(_rewritten(beer, abv=alcohol(beer.target_og, beer.target_fg)))
    assert [note["field"] for note in computed.pop("assumptions")] == ["abv"]
    assert computed == stated and "abv_mismatch" not in [w["code"] for w in computed["warnings"]]


@given(beers(), _decimals(0, 500, 1))
def test_ebc_and_srm_give_the_same_answer(domain: BeerApi, beer: Beer, srm: float) -> None:
    in_srm = domain.predict(_rewritten(beer, srm=srm, ebc=None))
    in_ebc = domain.predict(_rewritten(beer, srm=None, ebc=EBC_PER_SRM * srm))
    assert (in_srm["ibu"], in_srm["interval"]) == (in_ebc["ibu"], in_ebc["interval"])


@given(beers())
def test_every_answer_is_finite_in_order_and_rounded(domain: BeerApi, beer: Beer) -> None:
    answer = domain.predict(beer)
    lower, ibu, upper = answer["interval"]["lower"], answer["ibu"], answer["interval"]["upper"]
    assert 0 <= lower <= ibu <= upper
    assert all(math.isfinite(figure) and figure == round(figure, 1) for figure in (lower, ibu, upper))
    assert 0 < answer["interval"]["coverage"] < 1


@given(beers())
def test_the_answer_is_the_rounded_output_of_the_model(domain: BeerApi, predictor: OnnxPredictor, beer: Beer) -> None:
    corrected = Corrections(predictor.manifest).of(vital_rows([beer]))
    outputs = predictor.predict({"features": corrected.astype(np.float32)})
    answer = domain.predict(beer)
    assert answer["model"] == {"name": predictor.manifest.name, "version": predictor.manifest.version}
    for name, figure in {"ibu": answer["ibu"], **answer["interval"]}.items():
        if name != "coverage":
            assert figure == pytest.approx(float(outputs[name][0, 0]), abs=0.05 + 1e-9)


@given(st.lists(beers(), min_size=1, max_size=40))
def test_a_row_gets_the_same_answer_alone_and_in_a_batch_in_any_order(domain: BeerApi, batch: list[Beer]) -> None:
    alone: list[Prediction] = [domain.predict(beer) for beer in batch]
    assert domain.predict_batch(Beers(beers=batch))["predictions"] == alone
    assert domain.predict_batch(Beers(beers=batch[::-1]))["predictions"] == alone[::-1]


def test_a_full_batch_gets_the_answers_of_its_rows_alone(domain: BeerApi) -> None:
    batch = [
        Beer(abv=3 + i % 97 / 10, target_og=1030 + i % 71, target_fg=1000 + i % 29, ebc=None if i % 3 else 5.0 + i % 90)
        for i in range(1000)
    ]
    together = domain.predict_batch(Beers(beers=batch))["predictions"]
    assert len(together) == 1000
    assert all(together[i] == domain.predict(batch[i]) for i in range(1000))


@given(beers(), TENTHS_OF_POINTS.filter(lambda pair: pair[0] < pair[1]))
def test_a_final_gravity_above_the_original_is_rejected(domain: BeerApi, beer: Beer, tenths: list[int]) -> None:
    low, high = tenths
    for low_in in 10, 10000:
        swapped = _rewritten(beer, target_og=low / low_in, target_fg=high / 10)
        with pytest.raises(InputError) as caught:
            domain.predict(swapped)
        (problem,) = caught.value.problems
        assert (problem.field, problem.code) == ("target_fg", "gravities_swapped")
        assert "above the original gravity" in problem.reason


@pytest.mark.parametrize("points", [1001, 1003, 1013, 1023, 1056])
def test_gravities_of_an_unfermented_beer_are_not_reported_as_swapped(domain: BeerApi, points: int) -> None:
    expected = domain.predict(Beer(abv=0.0, target_og=points, target_fg=points))
    for og, fg in (points, points / 1000), (points / 1000, points):
        assert domain.predict(Beer(abv=0.0, target_og=og, target_fg=fg)) == expected


def test_a_batch_names_every_swapped_beer(domain: BeerApi) -> None:
    good, swapped = Beer(abv=5, target_og=1050, target_fg=1010), Beer(abv=5, target_og=1010, target_fg=1050)
    with pytest.raises(InputError) as caught:
        domain.predict_batch(Beers(beers=[good, swapped, good, swapped]))
    assert [p.field for p in caught.value.problems] == ["beers.1.target_fg", "beers.3.target_fg"]


def test_a_prediction_without_a_loaded_model_is_an_error() -> None:
    beer = Beer(abv=5, target_og=1050, target_fg=1010)
    with pytest.raises(ModelNotReady):
        BeerApi(model_manager(BeerApi)).predict(beer)
    with pytest.raises(ModelNotFound):
        BeerApi(ModelManager(["another"])).predict(beer)


class _BadAt(OnnxPredictor):
    """A model whose output for beers of 4.25 % is not a number, as that of a bad bundle may be."""

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        outputs = super().predict(inputs, timeout)
        outputs["upper"][inputs["features"][:, 0] == 4.25] = np.nan
        return outputs


def test_an_output_that_is_no_number_is_an_error_of_its_beer_alone(models: Path) -> None:
    manager = model_manager(BeerApi)
    manager.add(_BadAt(read_bundle(highest(models, "beer-ibu"))))
    api = BeerApi(manager)
    bad, good = (Beer(abv=abv, target_og=1050, target_fg=1010) for abv in (4.25, 5.0))
    for answer, alone in (api.predict, bad), (api.explain, bad), (api.predict_batch, Beers(beers=[good, bad])):
        with pytest.raises(InvalidOutput):
            answer(alone)  # type: ignore[arg-type]
    first, second, third = api.predict_each([good, bad, good])
    assert first == third == api.predict(good)
    assert isinstance(second, InvalidOutput)
