"""The probability that a beer is in its style's range, compared with the share of held-out beers that are."""

import numpy as np
import pytest

from app.domains.beer.style_match import probability_inside
from tests.known import REPOSITORY
from training.beer.catalogue import SPECS
from training.beer.style import style_range
from training.cleaning import clean, rules
from training.evaluate import EvaluationProtocol, evaluate
from training.sources import add_styles, read_recipes
from training.spec_trainer import rows

SHARED = REPOSITORY.parent / "shared" / "data"


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(SPECS))
def test_the_probability_is_calibrated_on_held_out_beers(name: str) -> None:
    if not (SHARED / "punk_styles.csv").exists():
        pytest.skip("no recipes")
    spec = SPECS[name]
    dataset = add_styles(read_recipes(str(SHARED / "punk_beers.json")), SHARED / "punk_styles.csv")
    frame, _ = clean(dataset.recipes, (*rules(), *spec.rules()))
    data = rows(spec, frame)
    predicted = evaluate(spec, spec.defaults, data, EvaluationProtocol(repeats=1, workers=1)).predicted[0]
    chances, inside = [], []
    for beer, label, (ibu, lower, upper) in zip(frame["beer"], data.labels, predicted.astype(float), strict=True):
        wanted = style_range(beer)
        if wanted:
            interval = {"lower": lower, "upper": upper, "coverage": spec.defaults.coverage}
            chances.append(probability_inside(wanted, ibu, interval))  # type: ignore[arg-type]
            inside.append(wanted.low <= label <= wanted.high)
    chance, share = np.array(chances), np.array(inside, float)
    order = np.array_split(np.argsort(chance), 5)
    error = np.mean([abs(chance[fifth].mean() - share[fifth].mean()) for fifth in order])
    assert len(share) > 200 and error < 0.1  # five times 45 beers: 0.05 is chance
    assert np.mean((chance - share) ** 2) < share.mean() * (1 - share.mean())
