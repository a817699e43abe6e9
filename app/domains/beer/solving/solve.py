"""Answers questions for the weights of hops, by the model or a formula."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import ceil, floor

import numpy as np

from app.domains.beer.addition_estimates import all_estimates
from app.domains.beer.answers import Interval, Prediction
from app.domains.beer.ingredients import Hop
from app.domains.beer.predictions import OUTPUTS
from app.domains.beer.recipe import resolve
from app.domains.beer.reference import cost
from app.domains.beer.schema import Beer
from app.domains.beer.solving.curve import IBU, Line, Values, is_staircase, smoothed
from app.domains.beer.solving.figures import FormulaFigures, ModelFigures, WeightFigures, estimate
from app.domains.beer.solving.moving import Moving, beer_with, moving
from app.domains.beer.solving.schema import (
    Question,
    QuestionProblem,
    Questions,
    Solution,
    SolutionOrProblems,
    Solutions,
    SolvedBy,
)
from app.domains.beer.style_match import match_style, probability_inside
from app.domains.beer.styles import Range, find
from app.domains.beer.units import points
from app.errors import InputError, InvalidOutput, Problem
from app.models.loaded import LoadedModel
from app.telemetry.ids import enter_row

TOLERANCE = 0.05
"""Distance in IBU at which a target counts as reached: what rounding to 0.1 hides."""

TRIES = 4
"""Greatest number of additions that are moved by a further step after rounding."""
GAIN = 0.1
"""How far a step has to bring the bitterness nearer, IBU; predictions are rounded to it."""
MARGIN = 1.0
"""How far inside a style's range the bitterness is aimed at least, IBU: more than rounding of weights usually moves."""
BYTES_PER_QUESTION = 2_000_000
"""Memory that answering a question takes; the questions of a batch are answered one after the other."""
BYTES_PER_ANSWER = 100_000
"""Memory of an answer."""

Predict = Callable[[Beer], Prediction]


def solve(question: Question, loaded: LoadedModel, predict: Predict) -> Solution:
    """Find the weights with which a beer has the bitterness that is asked for.

    Args:
        question: The question.
        loaded: The version of the recipe model that answers.
        predict: Predicts a beer as ``POST /predict`` does.

    Raises:
        InputError: If the question cannot be asked of this beer, or the target is out of reach.
        InvalidOutput: If the model gives no valid number.
    """
    style = _style(question)
    target = _target_ibu(question, style)
    move = moving(question)
    is_by_model = question.by is SolvedBy.MODEL
    figures: WeightFigures = FormulaFigures(move, question.by)
    if is_by_model:
        figures = ModelFigures(move, loaded, with_interval=style is not None)
    line = _line(figures, move)
    is_stairs = is_by_model and is_staircase(line)
    if is_stairs:
        figures = FormulaFigures(move, SolvedBy.PHYSICAL)
        line = smoothed(line, _line(figures, move))
    least, most = line.ends()
    if style is not None and is_by_model:
        factor = line.best(lambda found: _chances(style, found, loaded), sum(style) / 2.0)
    else:
        if style is not None:
            target = min(max(target, least), most)
        elif not least - TOLERANCE <= target <= most + TOLERANCE:
            raise InputError([_out_of_reach(question, least, most)])
        factor = line.reach(target)
    weights = factor * move.weights
    rounded = _rounded(move, figures, weights)
    hops = move.hops(rounded)
    beer = beer_with(move.beer, [Hop.model_validate(hop) for hop in hops])
    prediction = _prediction(predict, beer)
    bill = resolve(beer, beer.hops or [])
    if is_stairs:
        ibu = float(line.ibu(np.array([float(rounded.sum()) * move.unit / move.total]))[0])
    else:
        ibu = prediction["ibu"] if is_by_model else estimate(question.by, beer, bill, bill.additions)
    solution: Solution = {
        "hops": hops,
        "moved": move.indexes,
        "ibu": round(ibu, 1),
        "reachable": {"lower": _tenth_inside(least, most, ceil), "upper": _tenth_inside(most, least, floor)},
        "ibu_per_gram": float(f"{line.slope(factor) / move.total:.3g}"),
        "method": "physical_shape" if is_stairs else "curve",
        "estimates": all_estimates(beer, bill),
        "prediction": prediction,
    }
    if style is None or not is_by_model:
        solution["target_ibu"] = round(target, 1)
    name = _style_name(question)
    if name is not None and (match := match_style(name, prediction["ibu"], prediction["interval"], [])):
        solution["style"] = match
    return solution


def solve_each(questions: Questions, solve_one: Callable[[Question], Solution]) -> Solutions:
    """Answer a batch of questions; one that has no answer hides no other.

    Args:
        questions: The questions.
        solve_one: Answers one of them.

    Raises:
        CallError: If the model cannot answer, or there is no such version.
    """
    answers: list[SolutionOrProblems] = []
    for index, question in enumerate(questions.questions):
        enter_row(index)
        try:
            answers.append({"solution": solve_one(question)})
        except InputError as error:
            answers.append({"errors": [_stated(problem) for problem in error.problems]})
        except InvalidOutput:
            answers.append({"errors": [_stated(Problem("beer", "not_ready", "the model has no valid answer for it"))]})
    return {"answers": answers}


def cost_of(questions: Sequence[Question]) -> int:
    """Estimate the bytes that answering questions takes, in addition to the request."""
    most = max(cost(question.beer.reference) for question in questions)
    return BYTES_PER_QUESTION + most + BYTES_PER_ANSWER * len(questions)


def _prediction(predict: Predict, beer: Beer) -> Prediction:
    """Predict a beer of a question.

    Raises:
        InputError: If the beer asks for something that there is not; the fields are those of the question.
    """
    try:
        return predict(beer)
    except InputError as error:
        raise InputError([replace(problem, field=f"beer.{problem.field}") for problem in error.problems]) from None


def _stated(problem: Problem) -> QuestionProblem:
    return {"field": problem.field, "code": problem.code, "reason": problem.reason}


def _line(figures: WeightFigures, move: Moving) -> Line:
    return Line(lambda factors: figures.at(factors[:, None] * move.weights), move.low, move.high)


def _style_name(question: Question) -> str | None:
    return question.beer.style if question.target.own_style else question.target.style


def _style(question: Question) -> Range | None:
    """Bitterness of the style that is asked for, if one is.

    Raises:
        InputError: If the style is not stated or not known, or the guidelines give no range.
    """
    name, is_own = _style_name(question), question.target.own_style
    field = "beer.style" if is_own else "target.style"
    if name is None:
        if is_own:
            raise InputError([Problem(field, "missing", "is required: the target is the beer's own style")])
        return None
    style = find(name)
    if style is None:
        raise InputError([Problem(field, "unknown_style", "is not in the table of styles (BJCP 2021)")])
    if style.ibu is None:
        raise InputError([Problem(field, "no_range", "the guidelines give no bitterness for this style")])
    return style.ibu


def _target_ibu(question: Question, style: Range | None) -> float:
    """The bitterness that is asked for, IBU; of a style, the middle of its range.

    Raises:
        InputError: If it is relative to a gravity that is not above that of water.
    """
    target = question.target
    if style is not None:
        return sum(style) / 2.0
    if target.bu_gu is None:
        return target.ibu or 0.0
    above = points(question.beer.target_og) - points(1.0)
    if above <= 0.0:
        raise InputError([Problem("target.bu_gu", "no_gravity", "the original gravity is not above that of water")])
    return target.bu_gu * above


def _out_of_reach(question: Question, least: float, most: float) -> Problem:
    field = "target.ibu" if question.target.bu_gu is None else "target.bu_gu"
    low, high = _tenth_inside(least, most, ceil), _tenth_inside(most, least, floor)
    reason = f"is out of reach: within the bounds of the weights the bitterness is {low:.1f} to {high:.1f} IBU"
    return Problem(field, "out_of_reach", reason)


def _tenth_inside(end: float, other: float, towards: Callable[[float], int]) -> float:
    """Round an end of the reachable range to 0.1 towards the other; to the nearest if the range is narrower."""
    if abs(end - other) < 0.2:
        return round(end, 1)
    return towards(round(end * 10.0, 6)) / 10.0


def _chances(style: Range, figures: Mapping[str, Values], loaded: LoadedModel) -> Values:
    """Chances to be inside a style, shape (n,), less 1 where the prediction itself is not inside.

    A bitterness inside goes before any outside: an interval that is narrower there could give it the better chance.
    """
    coverage = loaded.manifest.coverage or 0.0
    margin = min(MARGIN, (style.high - style.low) / 4.0)
    chances = []
    for ibu, lower, upper in zip(*(figures[name].tolist() for name in OUTPUTS), strict=True):
        interval: Interval = {"lower": lower, "upper": upper, "coverage": coverage}
        is_inside = style.low + margin <= ibu <= style.high - margin
        chances.append(probability_inside(style, ibu, interval) - (0.0 if is_inside else 1.0))
    return np.array(chances)


def _rounded(move: Moving, figures: WeightFigures, weights: Values) -> Values:
    """Round weights so that the bitterness stays where it is, as nearly as a step allows.

    Slopes at the weights tell where each is rounded to. As bitterness bends, above all near 0, neighbours of the
    result are tried as well.

    Args:
        move: What moves.
        figures: Computes the bitterness.
        weights: Weights before rounding, g, shape (n,).

    Returns:
        Weights in the unit of the answer, shape (n,).
    """
    rounded = move.rounded(weights, _effects(figures, weights))
    if move.step == 0.0:
        return rounded
    aim, now = figures.at(np.stack([weights, rounded * move.unit]))[IBU].tolist()
    distance = abs(now - aim)
    for _ in range(TRIES):
        if distance < GAIN or not len(others := move.neighbours(rounded)):
            break
        distances = np.abs(figures.at(others * move.unit)[IBU] - aim)
        place = int(np.argmin(distances))
        if distances[place] > distance - GAIN:
            break
        rounded, distance = others[place], float(distances[place])
    return rounded


def _effects(figures: WeightFigures, weights: Values) -> Values:
    """Bitterness that one more gram of each addition adds, at least 0, shape (n,)."""
    if len(weights) == 1:
        return np.ones(1)
    more = max(0.01 * float(weights.sum()), 1e-3)
    values = figures.at(np.concatenate([weights[None, :], weights + more * np.eye(len(weights))]))[IBU]
    effects: Values = np.maximum((values[1:] - values[0]) / more, 0.0)
    return effects
