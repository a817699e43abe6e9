"""Metrics of the beer domain count exactly the predictions that are returned."""

from app.domains.beer.api import VITALS, BeerApi
from app.domains.beer.schema import Beer, Beers
from app.runtime.onnx import OnnxPredictor
from app.telemetry.exposition import exposition
from tests.committed import VERSIONS
from tests.known import BEER
from tests.model_manager import model_manager


def test_answers_widths_and_warnings_are_counted(predictor: OnnxPredictor) -> None:
    manager = model_manager(BeerApi, names=[VITALS])
    manager.add(predictor)
    domain = BeerApi(manager)
    strange = Beer(**{**BEER, "ebc": 200.0, "srm": 3.0})
    answers = [domain.predict(Beer(**BEER)), domain.predict(strange)]
    answers += domain.predict_batch(Beers(beers=[Beer(**BEER), strange, strange]))["predictions"]
    lines = [x for x in exposition(manager.metrics).decode().splitlines() if not x.startswith("#")]
    figures = {x.rsplit(" ", 1)[0]: float(x.rsplit(" ", 1)[1]) for x in lines}
    model = f'model="beer-ibu",version="{VERSIONS["beer-ibu"]}"'
    assert figures[f"model_predictions_total{{{model}}}"] == 5
    assert figures['beer_warnings_total{code="colour_mismatch"}'] == 3
    for bound in 20, 50, 100:
        bucket = f'_bucket{{{model},le="{bound}"}}'
        assert figures[f"beer_predicted_bitterness_ibu{bucket}"] == sum(a["ibu"] <= bound for a in answers)
        widths = [a["interval"]["upper"] - a["interval"]["lower"] for a in answers]
        assert figures[f"beer_interval_width_ibu{bucket}"] == sum(width <= bound for width in widths)
    assert abs(figures[f"beer_predicted_bitterness_ibu_sum{{{model}}}"] - sum(a["ibu"] for a in answers)) < 0.5
    assert abs(figures[f"beer_interval_width_ibu_sum{{{model}}}"] - sum(widths)) < 1
