"""Answers to questions for the weights of hops: predictions for them are what was asked for."""

from typing import Any

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.domains.beer.api import RECIPE, BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer
from app.domains.beer.solving.schema import Question, Questions, Solution
from app.domains.beer.style_match import probability_inside
from app.domains.beer.styles import Range
from app.errors import InputError
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array, Arrays
from tests.app.domains.beer.solving.questions import BOILED, figure, random_question, with_weights
from tests.committed import committed
from tests.model_manager import model_manager

HOP = {"name": "Magnum", "alpha_acid": 12.0, **BOILED}
BEER: dict[str, Any] = {**EXAMPLE_BEER, "batch_volume_l": 20, "hops": [{**HOP, "amount_g": 10.0}]}
RECIPE_BEER = {**EXAMPLE_RECIPE, "explain": False}


@pytest.fixture(scope="module")
def stairs() -> BeerApi:
    """The domain with version 1 of the recipe model, whose answers are a staircase."""
    manager = model_manager(BeerApi)
    manager.add(OnnxPredictor(read_bundle(committed(RECIPE, "1"))))
    return BeerApi(manager)


class _Counting(OnnxPredictor):
    """Counts its runs and rows."""

    runs = rows = 0

    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        self.runs, self.rows = self.runs + 1, self.rows + len(inputs["features"])
        return super().predict(inputs, timeout)


def ask(domain: BeerApi, beer: dict[str, Any], target: dict[str, Any], **more: Any) -> Solution:
    return domain.solve(Question.model_validate({"beer": beer, "target": target, **more}))


def weights(solution: Solution) -> list[Any]:
    return [hop.get("amount_g", hop.get("amount_oz")) for hop in solution["hops"]]


def problem(domain: BeerApi, beer: dict[str, Any], target: dict[str, Any], **more: Any) -> tuple[str, str]:
    with pytest.raises(InputError) as raised:
        ask(domain, beer, target, **more)
    (found,) = raised.value.problems
    return found.field, found.code


def check_random(domain: BeerApi, cases: range) -> float:
    """Ask for the bitterness of hidden weights; return the greatest distance of an answer from it, IBU."""
    worst = 0.0
    for seed in cases:
        beer, more, hidden = random_question(np.random.default_rng(seed))
        by = more["by"]
        (target,) = figure(domain, by, [with_weights(beer, hidden)])
        solution = ask(domain, beer, {"ibu": target}, **more)
        (reached,) = figure(domain, by, [{**beer, "hops": solution["hops"]}])
        assert solution["method"] == "curve", seed
        assert solution["reachable"]["lower"] - 0.06 <= target <= solution["reachable"]["upper"] + 0.16, seed
        assert abs(reached - target) <= 0.15, (seed, reached, target)
        worst = max(worst, abs(reached - target))
    return worst


def test_the_prediction_for_an_answer_is_the_target(domain: BeerApi) -> None:
    check_random(domain, range(150))


@pytest.mark.nightly
def test_the_prediction_for_many_answers_is_the_target(domain: BeerApi) -> None:
    check_random(domain, range(10_000))


def check_against_trial(domain: BeerApi, cases: range, trials: int) -> None:
    """Try weights evenly apart on the line: none comes closer to the target by more than the figures are rounded."""
    for seed in cases:
        beer, more, hidden = random_question(np.random.default_rng(seed))
        by = more["by"]
        (target,) = figure(domain, by, [with_weights(beer, hidden)])
        solution = ask(domain, beer, {"ibu": target}, **more)
        start = [hop["amount_g"] for hop in beer["hops"]]
        moved = solution["moved"]
        found = weights(solution)[moved[0]] / start[moved[0]]
        factors = np.concatenate([found * np.geomspace(0.3, 3.0, trials), np.linspace(0.0, found, 9)])
        tried = [
            with_weights(beer, [w * (factor if i in moved else 1.0) for i, w in enumerate(start)])
            for factor in factors.tolist()
        ]
        values = np.array(figure(domain, by, tried))
        (reached,) = figure(domain, by, [{**beer, "hops": solution["hops"]}])
        assert abs(reached - target) <= np.abs(values - target).min() + 0.11, seed
        assert (values[factors < found] <= target + 0.11).all() and (values[factors > found] >= target - 0.11).all()


def test_trying_many_weights_finds_none_that_comes_closer(domain: BeerApi) -> None:
    check_against_trial(domain, range(10_000, 10_010), 30)


@pytest.mark.nightly
def test_trying_many_weights_of_many_beers_finds_none_that_comes_closer(domain: BeerApi) -> None:
    check_against_trial(domain, range(10_000, 10_200), 300)


@pytest.mark.parametrize("by", ["model", "physical", "tinseth"])
def test_rounding_moves_the_answer_by_half_a_step_at_most(domain: BeerApi, by: str) -> None:
    for seed in range(25):
        beer, _, _ = random_question(np.random.default_rng(20_000 + seed))
        target = {"ibu": 30.0 + seed}
        step = beer["batch_volume_l"] / 40  # 0.5 g in 20 l
        more = {"by": by, "step_g": step, "upper_g": 50.0 * beer["batch_volume_l"]}
        try:
            solution = ask(domain, beer, target, **more)
        except InputError as error:
            assert error.problems[0].code == "out_of_reach"
            continue
        moved = solution["moved"]
        for index in moved:
            assert weights(solution)[index] / step == pytest.approx(round(weights(solution)[index] / step), abs=1e-4)
        (reached,) = figure(domain, by, [{**beer, "hops": solution["hops"]}])
        effects = []
        for index in moved:
            heavier = [dict(hop) for hop in solution["hops"]]
            heavier[index]["amount_g"] += step
            effects.append(figure(domain, by, [{**beer, "hops": heavier}])[0] - reached)
        assert abs(reached - target["ibu"]) <= 0.5 * max(effects) + 0.2, (seed, reached, target, effects)


def test_what_rounding_takes_from_one_addition_the_next_gives(domain: BeerApi) -> None:
    beer = {**BEER, "hops": [{**HOP, "amount_g": 1.0}] * 4}
    for target in range(20, 60, 3):
        exact, rounded = (sum(weights(ask(domain, beer, {"ibu": target}, step_g=step))) for step in (0, 4))
        assert abs(exact - rounded) <= 2.01


def test_the_answer_is_what_predict_says_of_its_hops(domain: BeerApi) -> None:
    for beer in RECIPE_BEER, {**RECIPE_BEER, "explain": True, "style": "21A"}:
        solution = ask(domain, beer, {"ibu": 40})
        assert solution["prediction"] == domain.predict(Beer.model_validate({**beer, "hops": solution["hops"]}))
        assert solution["ibu"] == solution["prediction"]["ibu"] == pytest.approx(40.0, abs=0.4)
        assert solution["estimates"].items() >= solution["prediction"]["estimates"].items()
        assert solution["target_ibu"] == 40.0
    magnum, simcoe, dry = weights(solution)
    assert solution["moved"] == [0, 1] and magnum / simcoe == pytest.approx(12 / 25, rel=0.05) and dry == 60


def test_a_gram_moves_the_bitterness_as_far_as_it_says(domain: BeerApi) -> None:
    solution = ask(domain, BEER, {"ibu": 30}, step_g=0)
    (grams,) = weights(solution)
    values = figure(domain, "model", [with_weights(BEER, [grams + more]) for more in (-1.0, 1.0)])
    assert solution["ibu_per_gram"] == pytest.approx((values[1] - values[0]) / 2, abs=0.06)


def test_hops_without_a_weight_are_those_that_are_asked_for(domain: BeerApi) -> None:
    hops = [HOP, {"name": "Citra", "amount_g": 50.0, "stage": "end"}, {**HOP, "name": "Saaz", "alpha_acid": 3.0}]
    solution = ask(domain, {**BEER, "hops": hops}, {"ibu": 50})
    first, citra, second = weights(solution)
    assert (solution["moved"], citra) == ([0, 2], 50.0) and first == pytest.approx(second, abs=1.0) and first > 1.0
    assert solution["prediction"]["ibu"] == pytest.approx(50.0, abs=0.5)
    nothing = [{**HOP, "amount_g": 0.0}]
    assert weights(ask(domain, {**BEER, "hops": nothing}, {"ibu": 30})) == weights(ask(domain, BEER, {"ibu": 30}))


def test_answers_are_in_the_unit_and_the_steps_of_the_question(domain: BeerApi) -> None:
    in_grams = ask(domain, BEER, {"ibu": 30})
    in_ounces = ask(domain, {**BEER, "hops": [{**HOP, "amount_oz": 1.0}]}, {"ibu": 30})
    assert "amount_oz" not in in_grams["hops"][0] and "amount_g" not in in_ounces["hops"][0]
    ounces = weights(in_ounces)[0]
    assert ounces / 0.05 == pytest.approx(round(ounces / 0.05)) and weights(in_grams)[0] % 0.5 == 0
    assert ounces * 28.35 == pytest.approx(weights(in_grams)[0], abs=1.0)
    asked = ask(domain, BEER, {"ibu": 30}, step_oz=0.1)
    assert asked["hops"][0].keys() >= {"amount_oz"} and asked["hops"][0]["amount_oz"] == pytest.approx(ounces, abs=0.1)
    assert weights(ask(domain, BEER, {"ibu": 30}, step_g=5))[0] % 5 == 0


@pytest.mark.parametrize(
    ("litres", "more", "step", "unit"),
    [
        (10.0, {}, 0.5, "amount_g"),
        (9.9, {}, 0.1, "amount_g"),
        (3.8, {"amount_oz": 1.0}, 0.01, "amount_oz"),
        (0.5, {}, 0.01, "amount_g"),
        (0.5, {"amount_oz": 1.0}, 0.001, "amount_oz"),
        (0.001, {}, 0.000001, "amount_g"),
    ],
)
def test_small_batches_have_smaller_steps(
    domain: BeerApi, litres: float, more: dict[str, float], step: float, unit: str
) -> None:
    solution = ask(domain, {**BEER, "batch_volume_l": litres, "hops": [{**HOP, **more}]}, {"ibu": 40})
    assert unit in solution["hops"][0]
    steps = weights(solution)[0] / step
    assert steps > 3 and steps == pytest.approx(round(steps), abs=1e-6)
    assert solution["ibu"] == pytest.approx(40.0, abs=1.5)


def test_no_step_of_an_addition_comes_nearer_than_the_rounded_weights(domain: BeerApi) -> None:
    many = [{"name": "Magnum", **time} for time in ({"stage": "whirlpool"}, BOILED, {"boil_minutes": 1.0})]
    weak = [
        {"name": "Polaris", "amount_g": 10.0, "stage": "mash"},
        {"name": "Citra", "amount_g": 1.2, "stage": "start"},
    ]
    cases = (many, 20.0, 7.0, 15.0), (weak, 4.0, 5.0, 15.0), (many[:2], 0.5, 0.5, 45.0), (many[1:2], 0.5, 7.0, 70.0)
    for hops, litres, step, target in cases:
        beer = {**BEER, "batch_volume_l": litres, "hops": hops}
        question = {"move": [*range(len(hops))], "step_g": step, "upper_g": 30 * litres}
        for by in "model", "physical":
            found = weights(ask(domain, beer, {"ibu": target}, by=by, **question))
            tried = [found]
            for index in range(len(found)):
                for change in -step, step:
                    other = [*found]
                    other[index] = max(other[index] + change, 0.0)
                    tried.append(other)
            distances = np.abs(np.array(figure(domain, by, [with_weights(beer, each) for each in tried])) - target)
            assert distances[0] <= distances.min() + 0.21, (litres, target, by, found, distances)


def test_weights_of_almost_nothing_count_as_none(domain: BeerApi) -> None:
    for nothing in 5e-324, 1e-310, 1e-9:
        for by in "model", "physical":
            hops = [{**HOP, "amount_g": nothing}]
            assert weights(ask(domain, {**BEER, "hops": hops}, {"ibu": 30}, by=by)) == weights(
                ask(domain, {**BEER, "hops": [HOP]}, {"ibu": 30}, by=by)
            )


def test_other_quantities_are_stated_in_the_units_in_which_they_were_sent(domain: BeerApi) -> None:
    stand = {"name": "Citra", "amount_oz": 1.1, "stage": "whirlpool", "temperature_f": 180.0, "stand_minutes": 20.0}
    old = {**HOP, "amount_g": 9.5, "age_months": 5.0, "storage_temperature_f": 41.0}
    solution = ask(domain, {**BEER, "hops": [stand, old, HOP]}, {"ibu": 60})
    assert solution["hops"][:2] == [stand, old] and solution["moved"] == [2]
    beer = Beer.model_validate({**BEER, "hops": solution["hops"]})
    assert domain.predict(beer) == solution["prediction"]


def test_bounds_hold_for_each_addition_that_moves(domain: BeerApi) -> None:
    beer = {**BEER, "hops": [{**HOP, "amount_g": 10.0}, {**HOP, "amount_g": 20.0}]}
    solution = ask(domain, beer, {"ibu": 48}, lower_g=9.7, upper_g=40)
    assert min(weights(solution)) >= 9.7 and solution["prediction"]["ibu"] == pytest.approx(48, abs=1.0)
    ends = figure(domain, "model", [with_weights(beer, [9.7, 19.4]), with_weights(beer, [20.0, 40.0])])
    assert [*solution["reachable"].values()] == pytest.approx(ends, abs=0.11)
    assert max(weights(ask(domain, beer, {"ibu": ends[1] - 0.3}, upper_g=39.9))) <= 39.9
    assert problem(domain, beer, {"ibu": 45}, lower_g=15, upper_oz=0.6) == ("lower_g", "ratio_out_of_bounds")
    nothing = {**BEER, "hops": [{**HOP, "amount_g": 10.0}, {**HOP, "amount_g": 0.0}]}
    assert problem(domain, nothing, {"ibu": 45}, lower_g=5) == ("lower_g", "ratio_out_of_bounds")
    assert problem(domain, beer, {"ibu": 45}, lower_g=15, upper_oz=0.5) == ("upper_oz", "bounds_swapped")
    assert problem(domain, beer, {"ibu": 90}, upper_g=20) == ("target.ibu", "out_of_reach")


def test_a_target_out_of_reach_says_what_can_be_reached(domain: BeerApi) -> None:
    for target in 1000.0, 5.0:
        with pytest.raises(InputError, match=r"the bitterness is 7\.\d to 1\d\d\.\d IBU") as raised:
            hops = [{**HOP, "amount_g": 3.0}, {**HOP, "amount_g": 1.0}]
            ask(domain, {**BEER, "hops": hops}, {"ibu": target}, move=[1])
        assert raised.value.problems[0].field == "target.ibu"


def test_bitterness_to_gravity_is_a_target(domain: BeerApi) -> None:
    for beer in BEER, {**BEER, "target_og": 1.056}:
        solution = ask(domain, beer, {"bu_gu": 0.5}, by="tinseth")
        assert solution["target_ibu"] == 28.0 and solution["estimates"]["tinseth"] == pytest.approx(28.0, abs=0.5)
    assert problem(domain, {**BEER, "target_og": 1000, "target_fg": 998}, {"bu_gu": 1}) == (
        "target.bu_gu",
        "no_gravity",
    )


def test_the_best_chance_for_a_style_is_found(domain: BeerApi) -> None:
    solution = ask(domain, {**BEER, "style": "21A"}, {"own_style": True})
    best = solution["style"]["bitterness"]["probability"]
    assert solution["style"] == solution["prediction"]["style"] and "target_ibu" not in solution
    for factor in np.geomspace(0.2, 5.0, 60):
        other = {**BEER, "style": "21A", "hops": [{**HOP, "amount_g": float(10 * factor)}]}
        prediction = domain.predict(Beer.model_validate(other))
        assert prediction["style"]["bitterness"]["probability"] <= best + 0.01
    same = ask(domain, BEER, {"style": "American IPA"})
    assert weights(same) == weights(solution) and same["style"] == solution["style"]
    assert "style" not in same["prediction"]
    assert solution["ibu"] < 54  # below the middle: the interval is wider above the prediction than below


@pytest.mark.parametrize("code", ["1A", "4A", "9C", "11B", "16B", "19A", "22C", "23A", "23F"])
def test_the_answer_for_a_style_is_inside_it(domain: BeerApi, stairs: BeerApi, code: str) -> None:
    beer = {"target_og": 1.05, "target_fg": 1.011, "batch_volume_l": 20, "hops": [HOP]}
    for each in domain, stairs:
        solution = ask(each, beer, {"style": code})
        low, high = (solution["style"]["bitterness"][end] for end in ("low", "high"))
        assert low <= solution["ibu"] <= high


def test_a_style_out_of_reach_is_neared(domain: BeerApi) -> None:
    assert weights(ask(domain, BEER, {"style": "21A"}, upper_g=5)) == [5.0]


def test_a_formula_is_led_to_the_middle_of_a_style_or_as_near_as_it_gets(domain: BeerApi) -> None:
    middle = ask(domain, BEER, {"style": "21A"}, by="tinseth")
    assert middle["target_ibu"] == 55.0 and middle["ibu"] == pytest.approx(55.0, abs=0.5)
    bounded = ask(domain, BEER, {"style": "21A"}, by="tinseth", upper_g=10)
    assert weights(bounded) == [10.0] and bounded["target_ibu"] < 55.0


def test_a_style_for_hops_of_uncertain_alpha_acid_counts_their_interval(domain: BeerApi) -> None:
    unsure = {**BEER, "hops": [{**HOP, "amount_g": 10.0, "alpha_acid_low": 4.0, "alpha_acid_high": 12.0}]}
    answers = [ask(domain, beer, {"style": "21A"}, step_g=0) for beer in (BEER, unsure)]
    as_if_sure, best = (
        probability_inside(Range(40.0, 70.0), prediction["ibu"], prediction["interval"])
        for prediction in (domain.predict(Beer.model_validate(with_weights(unsure, weights(each)))) for each in answers)
    )
    assert best > as_if_sure + 0.002


def test_a_staircase_is_answered_along_the_physical_estimate(stairs: BeerApi) -> None:
    before = 0.0
    targets = range(25, 70, 1)
    grams = []
    for target in targets:
        solution = ask(stairs, BEER, {"ibu": target}, step_g=0.01)
        assert solution["method"] == "physical_shape" and solution["ibu"] == pytest.approx(target, abs=0.1)
        assert abs(solution["prediction"]["ibu"] - target) < 9
        assert 0 < solution["ibu_per_gram"] < 3
        grams += weights(solution)
        assert grams[-1] > before
        before = grams[-1]
    at_10, at_15 = (float(np.interp(gram, grams, targets)) for gram in (10.0, 15.0))
    assert at_15 - at_10 < 11
    assert max(np.diff(grams) / grams[1:]) < 0.25


def test_a_staircase_has_a_best_dose_for_a_style(stairs: BeerApi) -> None:
    solution = ask(stairs, BEER, {"style": "21A"})
    assert solution["method"] == "physical_shape" and 40 < solution["ibu"] < 70


@pytest.mark.parametrize(
    ("beer", "more", "expected"),
    [
        ({"hops": [{"name": "Citra", "amount_g": 9.0, "stage": "dry_hop"}]}, {}, ("beer.hops", "nothing_moves")),
        ({"hops": [HOP, {"name": "Citra", "stage": "dry_hop"}]}, {}, ("beer.hops.1.amount_g", "missing")),
        ({"hops": [HOP, {**HOP, "amount_g": 9.0}]}, {"move": [0, 1]}, ("beer.hops.0.amount_g", "missing")),
        ({"hops": [{"name": "Honey", "amount_g": 9.0, **BOILED}]}, {"move": [0]}, ("beer.hops.0.name", "not_a_hop")),
        ({}, {"move": [1]}, ("move.0", "unknown_addition")),
        ({}, {"move": [0, 0]}, ("move.1", "repeated")),
        ({"target_fg": 1060}, {}, ("beer.target_fg", "gravities_swapped")),
        ({"batch_volume_l": 5e-324}, {}, ("beer.batch_volume_l", "too_small")),
        ({"hops": [{**HOP, "stage": "start"}]}, {}, ("beer.hops.0.stage", "stage_or_minutes")),
        ({}, {"target": {"own_style": True}}, ("beer.style", "missing")),
        ({"style": "nothing"}, {"target": {"own_style": True}}, ("beer.style", "unknown_style")),
        ({}, {"target": {"style": "nothing"}}, ("target.style", "unknown_style")),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_a_problem_of_its_field(
    domain: BeerApi, beer: dict[str, Any], more: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert problem(domain, {**BEER, **beer}, **{"target": {"ibu": 30}, **more}) == expected


def test_a_question_of_a_batch_that_has_no_answer_hides_no_other(domain: BeerApi) -> None:
    questions = [{"beer": BEER, "target": {"ibu": ibu}} for ibu in (30, 999, 40)]
    first, bad, last = domain.solve_batch(Questions.model_validate({"questions": questions}))["answers"]
    assert first == {"solution": ask(domain, BEER, {"ibu": 30})} and last == {
        "solution": ask(domain, BEER, {"ibu": 40})
    }
    assert [(each["field"], each["code"]) for each in bad["errors"]] == [("target.ibu", "out_of_reach")]


@pytest.mark.parametrize("target", [{"ibu": 45.0}, {"style": "21A"}])
def test_the_work_of_a_question_is_bounded(target: dict[str, Any]) -> None:
    counting, manager = _Counting(read_bundle(committed(RECIPE))), model_manager(BeerApi)
    manager.add(counting)
    domain = BeerApi(manager)
    for count in (1, 50):
        counting.runs = counting.rows = 0
        ask(domain, {**BEER, "hops": [{**HOP, "amount_g": 20.0 / count}] * count}, target)
        assert counting.runs <= 15 and counting.rows <= 700
