"""The recipe model through its exported graph: more hops lower neither the answer nor the ends of its interval."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.bundle.manifest import MODEL
from app.bundle.store import read_bundle
from app.domains.beer.api import RECIPE as SERVED
from app.domains.beer.hop_bill import DRY, MAX_PER_LITRE, Addition, bill_row
from app.domains.beer.inputs import GRIST_INPUTS, HOP_INPUTS, RECIPE_INPUTS, VITAL_INPUTS, YEAST_INPUTS, names
from app.domains.beer.stages import Stage
from tests.committed import committed
from training.beer.catalogue import SPECS
from training.beer.estimates import scaled_tinseth, tinseth
from training.beer.recipe import RECIPE
from training.beer.recipe_features import TYPICAL, recipe_features
from training.beer.vitals import VITALS as VITALS_SPEC
from training.export import PACKED, TOLERANCE, largest_difference, random_inputs
from training.spec import column_of, feature_matrix, groups, named, random_ranges

VITALS = st.fixed_dictionaries(
    {c.name: st.floats(c.low, c.high) for c in VITAL_INPUTS if not c.optional},
    optional={c.name: st.floats(c.low, c.high) for c in VITAL_INPUTS if c.optional},
)
GRIST = st.fixed_dictionaries(
    {},
    optional={
        "oat_share": st.floats(0, 1),
        "crystal_share": st.floats(0, 1),
        "clean_ale_yeast": st.sampled_from([0.0, 1.0]),
        "phenolic_yeast": st.sampled_from([0.0, 1.0]),
    },
)
PALE_ALE = {"abv": 5.5, "target_og": 1054, "target_fg": 1012, "ebc": 15, "ph": 4.4}
GRAMS, ALPHAS = st.floats(0, 500) | st.floats(0, 10_000_000), st.floats(0, 70)
KETTLE = st.builds(Addition.at_minutes, GRAMS, ALPHAS, st.floats(0, 300)) | st.builds(
    Addition.at_stage, GRAMS, ALPHAS, st.sampled_from([stage for stage in Stage if stage is not Stage.DRY_HOP])
)
ANY = KETTLE | st.builds(Addition.at_stage, GRAMS, ALPHAS, st.just(Stage.DRY_HOP))
LITRES = st.floats(1, 100) | st.floats(0, 100_000, exclude_min=True)


@pytest.fixture(scope="module")
def graphs(trained_recipe):
    """The graph of the tests' own training and the released one."""
    released = read_bundle(committed(SERVED))
    return _session(trained_recipe.graph), _session(released.files[MODEL])


def _session(graph):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return lambda rows: np.concatenate(session.run(["ibu", "lower", "upper"], {PACKED: rows}), axis=1)


def _rounding(ibu):
    """Error of the graph's 32-bit arithmetic, IBU."""
    return 1e-3 + 2e-5 * ibu


def _rows(vitals, bills, grist=None):
    """Rows of one beer with several hop bills; values that are not given are missing."""
    rows = [{**vitals, **dict(zip(names(HOP_INPUTS), bill, strict=True)), **(grist or {})} for bill in bills]
    return np.array([[row.get(name, np.nan) for name in names(RECIPE_INPUTS)] for row in rows], dtype=np.float32)


@settings(max_examples=300)
@given(VITALS, st.lists(ANY, max_size=6), st.lists(KETTLE, min_size=1, max_size=3), LITRES, GRIST)
def test_more_hops_in_the_kettle_do_not_lower_the_answer(graphs, vitals, bill, more, litres, grist):
    assert all(addition.time != DRY for addition in more)
    rows = _rows(vitals, (bill_row(bill, litres), bill_row([*bill, *more], litres)), grist)
    for graph in graphs:
        before, after = graph(rows)[:, 0]
        assert after >= before - _rounding(before)


@settings(max_examples=200)
@given(VITALS, st.lists(ANY, max_size=4), GRAMS, ALPHAS, st.floats(0, 300), st.floats(0, 60), LITRES, GRIST)
def test_a_longer_boil_or_more_alpha_acid_does_not_lower_the_answer(
    graphs, vitals, bill, grams, alpha, minutes, more, litres, grist
):
    additions = [(alpha, minutes), (alpha, min(minutes + more, 300)), (min(alpha + more, 70), minutes)]
    bills = [bill_row([*bill, Addition.at_minutes(grams, a, t)], litres) for a, t in additions]
    assume(max(map(max, bills)) < MAX_PER_LITRE)  # above a kilogram of acid per litre each time is cut off
    for graph in graphs:
        answers = graph(_rows(vitals, bills, grist))[:, 0]
        assert answers[1:].min() >= answers[0] - _rounding(answers[0])


@settings(max_examples=200)
@given(VITALS, st.lists(ANY, max_size=6), st.floats(0, 100), LITRES, GRIST)
def test_gravity_with_alcohol_in_step_does_not_raise_the_answer(graphs, vitals, bill, points, litres, grist):
    stronger = {**vitals, "target_og": vitals["target_og"] + points, "target_fg": vitals["target_fg"] + points / 4}
    stronger["abv"] += points * 0.75 * 0.13125
    row = [bill_row(bill, litres)]
    for graph in graphs:
        before, after = (graph(_rows(beer, row, grist))[0, 0] for beer in (vitals, stronger))
        assert after <= before + _rounding(before)


BILL = st.lists(st.tuples(st.floats(5, 60), st.floats(2, 15), st.floats(0, 90)), min_size=1, max_size=4)


@settings(max_examples=50)
@given(BILL, st.floats(0, 0.3), st.sampled_from(["minutes", "grams"]))
def test_the_answer_has_no_leaps(graphs, bill, crystal, moved):
    steps = np.arange(0.0, 90.0, 0.1)
    (grams, alpha, minutes), *others = bill
    rest = [Addition.at_minutes(*other) for other in others]
    bills = [
        bill_row(
            [*rest, Addition.at_minutes(*((grams, alpha, x) if moved == "minutes" else (x, alpha, minutes)))], 20.0
        )
        for x in steps.tolist()
    ]
    for graph in graphs:
        answers = graph(_rows(PALE_ALE, bills, {"crystal_share": crystal, "oat_share": 0.0}))[:, 0]
        assert np.diff(answers).min() >= -1e-3
        assert np.diff(answers).max() < 0.7  # per tenth of a minute or gram; steepest at the first grams


def test_more_hops_raise_the_answer(graphs):
    bill = [Addition.at_stage(20.0, 10.0, Stage.START), Addition.at_stage(20.0, 10.0, Stage.END)]
    rows = _rows(PALE_ALE, [bill_row(bill * times, 20.0) for times in (0, 1, 3)])
    for graph in graphs:
        assert (np.diff(graph(rows), axis=0) > 1).all()


@settings(max_examples=100)
@given(VITALS, GRIST)
def test_a_beer_without_hops_gets_nothing_and_an_interval_from_nothing(graphs, vitals, grist):
    for graph in graphs:
        ibu, lower, upper = graph(_rows(vitals, [bill_row([], 20.0)], grist))[0]
        assert ibu == lower == 0 and upper <= 6


@settings(max_examples=200)
@given(
    VITALS,
    st.lists(st.sampled_from([0.0, 1e-38, 1e-3, 1.0, 1e3, 1e6]), min_size=len(HOP_INPUTS), max_size=len(HOP_INPUTS)),
    GRIST,
)
def test_every_answer_is_finite_and_in_order(graphs, vitals, bill, grist):
    for graph in graphs:
        ibu, lower, upper = graph(_rows(vitals, [bill], grist))[0]
        assert np.isfinite(upper) and 0 <= lower <= ibu <= upper


def test_parity_on_all_rows_and_random_ones(trained_recipe):
    assert (
        largest_difference(trained_recipe.model, trained_recipe.graph, trained_recipe.data.rows.inputs, 0) <= TOLERANCE
    )


def test_missing_malts_get_trees_of_their_own_and_missing_yeast_is_taken_as_typical(graphs):
    rows = random_inputs(RECIPE, 50, 3)
    typical, bare = rows.copy(), rows.copy()
    for name in names(GRIST_INPUTS):
        column = column_of(RECIPE_INPUTS, name)
        known = name in names(YEAST_INPUTS)
        rows[:, column], typical[:, column] = np.nan if known else 0.1, TYPICAL[name] if known else 0.1
        bare[:, column] = np.nan
    for graph in graphs:
        assert (graph(rows) == graph(typical)).all()
        assert (graph(rows) != graph(bare)).any()


def test_only_iso_alpha_acid_and_what_hops_do_not_move_enter_the_answer():
    centre = set(RECIPE.defaults.features) - set(RECIPE.defaults.centre.without)
    assert centre == {"ph", "colour", *names(GRIST_INPUTS)}
    assert RECIPE.trend.column == "iso_alpha" and RECIPE.monotone["iso_alpha"] == 1


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_golden_rows_contain_only_declared_inputs_and_each_at_least_once(spec):
    declared = {column.name: column for column in spec.inputs}
    assert set().union(*spec.golden) == set(declared)
    for row in spec.golden:
        assert {name for name, column in declared.items() if not column.optional} <= set(row)
        assert all(declared[name].low <= value <= declared[name].high for name, value in row.items())


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_input_is_in_one_group_and_has_a_finite_random_range(spec):
    assert sorted(name for group in groups(spec).values() for name in group) == sorted(c.name for c in spec.inputs)
    assert np.isfinite(random_ranges(spec)).all()


def test_sums_cover_the_kettle_additions_only():
    bill = [
        Addition.at_minutes(20, 10, 60),
        Addition.at_stage(40, 5, Stage.WHIRLPOOL),
        Addition.at_stage(100, 8, Stage.DRY_HOP),
    ]
    rows = _rows({**PALE_ALE, "target_og": 1050}, [bill_row(bill, 20.0)])
    features = {name: float(column[0]) for name, column in recipe_features(named(RECIPE, rows)).items()}
    assert (features["alpha_kettle"], features["alpha_all"]) == (200.0, 600.0)
    assert features["isomerised"] == pytest.approx(100 * 0.2191 + 100 * 0.01853, rel=1e-3)
    assert features["isomerised_to_gravity"] == pytest.approx(features["isomerised"] / 60, rel=1e-5)
    assert feature_matrix(RECIPE, RECIPE.defaults, rows).shape == (1, len(RECIPE.defaults.features))


def test_random_rows_leave_out_a_third_of_the_optional_values_and_no_other():
    rows = random_inputs(RECIPE, 2000, 0)
    for column, values in zip(RECIPE.inputs, rows.T, strict=True):
        missing = float(np.isnan(values).mean())
        assert missing == pytest.approx(1 / 3, abs=0.05) if column.optional else missing == 0, column.name


def test_the_curve_baseline_rises_with_the_original_gravity():
    rows = random_inputs(VITALS_SPEC, 200, 0)
    gravity = rows[:, column_of(VITALS_SPEC.inputs, "target_og")]
    labels = (80 * (1 - np.exp(-np.maximum(gravity - 1000, 0) / 100))).astype(np.float32)
    (curve,) = (baseline for name, baseline in VITALS_SPEC.baselines.items() if name.startswith("curve"))
    assert curve(rows, labels, rows) == pytest.approx(labels, abs=1)


def test_tinseths_baseline_is_the_services_figure():
    bill = [
        Addition.at_minutes(30.0, 10.0, 60.0),
        Addition.at_stage(50.0, 10.0, Stage.DRY_HOP),
        Addition.at_stage(50.0, 10.0, Stage.WHIRLPOOL),
    ]
    rows = _rows({"abv": 5.0, "target_og": 1050, "target_fg": 1010}, [bill_row(bill, 20.0)] * 3)
    assert tinseth(rows, rows[:, 0], rows) == pytest.approx([34.6] * 3, abs=0.1)
    halves = np.float32([17.3, 17.3, 17.3])
    assert scaled_tinseth(rows, halves, rows) == pytest.approx(halves, abs=0.2)


@pytest.mark.parametrize("og", [900, 990, 1000, 1300])
def test_every_rising_feature_rises_with_kettle_hops_at_any_gravity(og):
    bills = [bill_row([Addition.at_minutes(grams, 10, 60)], 20.0) for grams in (0, 10, 10_000_000)]
    rows = _rows({"abv": 5.0, "target_og": og, "target_fg": og}, bills)
    features = recipe_features(named(RECIPE, rows))
    assert all((np.diff(features[name]) >= 0).all() and np.isfinite(features[name]).all() for name in RECIPE.monotone)
