"""What each addition of hops adds to the bitterness, by four formulas and by the model."""

import numpy as np

from app.domains.beer.formula_differences import Figures, reason
from app.domains.beer.garetz import garetz
from app.domains.beer.predictions import MAX_IBU, PredictionBuilder, tenths
from app.domains.beer.rager import rager
from app.domains.beer.recipe import ResolvedBill, without_addition
from app.domains.beer.reference import Shift
from app.domains.beer.schema import AdditionEstimates, Beer, Estimates
from app.models.loaded import LoadedModel


def all_estimates(beer: Beer, bill: ResolvedBill) -> Estimates:
    """Estimate the bitterness of a beer by every formula, IBU, rounded to 0.1.

    Args:
        beer: The beer.
        bill: Its resolved hop bill.
    """
    by_rager = rager(bill.additions, beer.batch_volume_l, bill.boil_points)
    by_garetz = garetz(bill.additions, beer.batch_volume_l, bill.boil_points, beer.boil_volume_l)
    return {
        "tinseth": round(bill.tinseth, 1),
        "physical": round(bill.physical, 1),
        "rager": round(sum(by_rager), 1),
        "garetz": round(sum(by_garetz), 1),
    }


def addition_estimates(
    loaded: LoadedModel, beer: Beer, bill: ResolvedBill, ibu: float, shift: Shift | None = None
) -> list[AdditionEstimates]:
    """Say what each addition of a beer adds, and why the formulas differ.

    By the model and by the physical estimate, an addition adds the bitterness of the beer less that of the same beer
    without it. Neither is a sum over additions, so what all of them add is not the beer's bitterness. Tinseth's,
    Rager's and Garetz's figures do add up to their estimates.

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
    others = [without_addition(beer, bill, place) for place in range(len(bill.additions))]
    rows = builder.rows_of([beer] * len(others), others)
    outputs = loaded.what_if({"features": builder.features(rows)})
    without = tenths((shift.moved(outputs) if shift else outputs)["ibu"].astype(np.float64)).ravel().tolist()
    if not all(abs(value) < MAX_IBU for value in without):  # false for NaN as well
        raise loaded.invalid_output("ibu without an addition")
    by_rager = rager(bill.additions, beer.batch_volume_l, bill.boil_points)
    by_garetz = garetz(bill.additions, beer.batch_volume_l, bill.boil_points, beer.boil_volume_l)
    result: list[AdditionEstimates] = []
    for place, index in enumerate(bill.positions):
        other = others[place]
        figures = Figures(
            bill.tinseth - other.tinseth, by_rager[place], by_garetz[place], bill.physical - other.physical
        )
        estimates: AdditionEstimates = {
            "field": f"hops.{index}",
            "name": hops[index].name,
            "tinseth": _tenth(figures.tinseth),
            "rager": _tenth(figures.rager),
            "garetz": _tenth(figures.garetz),
            "physical": _tenth(figures.physical),
            "model": _tenth(ibu - without[place]),
        }
        if why := reason(figures, bill.additions[place], hops[index].stage, beer, bill.boil_points):
            estimates["reason"] = why
        result.append(estimates)
    return result


def _tenth(ibu: float) -> float:
    return round(ibu, 1) + 0.0  # never -0.0
