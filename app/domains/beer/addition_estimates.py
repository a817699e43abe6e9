"""What each addition of hops adds to the bitterness, by four formulas and by the model."""

import numpy as np

from app.domains.beer.answers import AdditionEstimates, Estimates
from app.domains.beer.formula_differences import Figures, physical_shares, reason
from app.domains.beer.garetz import garetz
from app.domains.beer.hop_bill import bill_rows, tinseth
from app.domains.beer.physical import physical_parts
from app.domains.beer.predictions import MAX_IBU, PredictionBuilder, tenths
from app.domains.beer.rager import rager
from app.domains.beer.recipe import ResolvedBill
from app.domains.beer.reference import Shift
from app.domains.beer.schema import Beer
from app.domains.beer.tinseth import bigness
from app.models.loaded import LoadedModel


def all_estimates(beer: Beer, bill: ResolvedBill) -> Estimates:
    """Estimate the bitterness of a beer by every formula, IBU, rounded to 0.1.

    Args:
        beer: The beer.
        bill: Its resolved hop bill.
    """
    parts = _parts(beer, bill)
    return {
        "tinseth": round(bill.tinseth, 1),
        "physical": round(bill.physical, 1),
        "rager": round(sum(part.rager for part in parts), 1),
        "garetz": round(sum(part.garetz for part in parts), 1),
    }


def addition_estimates(
    loaded: LoadedModel, beer: Beer, bill: ResolvedBill, ibu: float, shift: Shift | None = None
) -> list[AdditionEstimates]:
    """Say what each addition of a beer adds, and why the formulas differ.

    By a formula, an addition adds its part of the estimate. By the model, which is no sum over additions, it adds the
    prediction less that for the same beer without it; these figures need not add up.

    Args:
        loaded: The version that predicts; it is run once.
        beer: The beer.
        bill: Its resolved hop bill.
        ibu: The prediction, rounded to 0.1.
        shift: How far reference beers have moved the prediction.

    Returns:
        The additions in the order of the request, without what is no hop.

    Raises:
        InvalidOutput: If the model gives no valid number without one of the additions.
    """
    hops = beer.hops or []
    if not bill.positions:
        return []
    builder = loaded.prepared(PredictionBuilder)
    weights = np.array([addition.grams for addition in bill.additions])
    without_each = weights * (1.0 - np.eye(len(weights)))
    rows = builder.rows_with(beer, bill, bill_rows(bill.additions, without_each, beer.batch_volume_l))
    outputs = loaded.what_if({"features": builder.features(rows)})
    without = tenths((shift.moved(outputs) if shift else outputs)["ibu"].astype(np.float64)).ravel().tolist()
    if not all(abs(value) < MAX_IBU for value in without):  # false for NaN as well
        raise loaded.invalid_output("ibu without an addition")
    shares = physical_shares(bill.additions)
    result: list[AdditionEstimates] = []
    for place, (index, figures) in enumerate(zip(bill.positions, _parts(beer, bill), strict=True)):
        estimates: AdditionEstimates = {
            "field": f"hops.{index}",
            "name": hops[index].name,
            "tinseth": _tenth(figures.tinseth),
            "rager": _tenth(figures.rager),
            "garetz": _tenth(figures.garetz),
            "physical": _tenth(figures.physical),
            "model": _tenth(ibu - without[place]),
        }
        if why := reason(figures, bill.additions[place], shares[place], hops[index].stage, beer, bill.boil_points):
            estimates["reason"] = why
        result.append(estimates)
    return result


def _parts(beer: Beer, bill: ResolvedBill) -> list[Figures]:
    """Each addition's part of each estimate, IBU."""
    litres, points = beer.batch_volume_l, bill.boil_points
    by_formula = (
        [tinseth([addition], litres, bigness(points)) for addition in bill.additions],
        rager(bill.additions, litres, points),
        garetz(bill.additions, litres, points, beer.boil_volume_l),
        physical_parts(bill.additions, litres, beer.boil_volume_l),
    )
    return [Figures(*figures) for figures in zip(*by_formula, strict=True)]


def _tenth(ibu: float) -> float:
    return round(ibu, 1) + 0.0  # never -0.0
