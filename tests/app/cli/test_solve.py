"""The command ``solve``: a recipe file or a beer in, the weights of hops out, without a server."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.solving.schema import Question
from tests.commands import Run, runner

BEER: dict[str, Any] = {
    "target_og": 1.05,
    "target_fg": 1.011,
    "style": "21A",
    "hops": [
        {"name": "Magnum", "alpha_acid": 12.5, "boil_minutes": 60},
        {"name": "Cascade", "amount_g": 30, "stage": "end"},
    ],
}
PUNK: dict[str, Any] = {
    "name": "Best Bitter",
    "abv": 4.2,
    "target_og": 1042,
    "target_fg": 1010,
    "volume": {"value": 20, "unit": "litres"},
    "ingredients": {
        "malt": [{"name": "Maris Otter", "amount": {"value": 3.8, "unit": "kilograms"}}],
        "hops": [{"name": "Fuggles", "amount": {"value": 40, "unit": "grams"}, "add": "start"}],
    },
}


@pytest.fixture
def run(plain_environment: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """Runs the command on a file in this process, in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.setenv("MODEL_URI", str(models))

    run = runner("solve", monkeypatch, capsys)

    def run_on(file: object, *arguments: str, is_stdin: bool = False) -> tuple[int, str, str]:
        contents = json.dumps(file).encode()
        Path("file.json").write_bytes(contents)
        return run("-" if is_stdin else "file.json", *arguments, stdin=contents)

    return run_on


def test_the_table_says_the_weights_and_what_can_be_reached(run: Run, domain: BeerApi) -> None:
    code, out, err = run(BEER, "--target", "40", is_stdin=True)
    solution = domain.solve(Question.model_validate({"beer": BEER, "target": {"ibu": 40}}))
    magnum, cascade, model, reachable = (line.split() for line in out.splitlines())
    assert magnum == [">", "0", f"{solution['hops'][0]['amount_g']:g}", "g", "60", "min", "Magnum"]
    assert cascade == ["1", "30", "g", "end", "Cascade"]
    assert model[:2] == ["model", f"{solution['prediction']['ibu']:.1f}"]
    assert [float(reachable[0]), float(reachable[2])] == [*solution["reachable"].values()]
    assert (code, err) == (0, "")


def test_recipes_of_a_file_are_answered_and_one_without_an_answer_hides_no_other(run: Run) -> None:
    bad = {**PUNK, "name": "Dry", "ingredients": {**PUNK["ingredients"], "hops": []}}
    code, out, err = run([PUNK, bad, PUNK], "--target", "30", "--by", "tinseth")
    lines = out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :] and lines[0] == "Best Bitter"
    assert "(was 40 g)" in lines[1] and "Tinseth 30.0" in lines[2]
    assert code == 1 and err.startswith("Left out: file.json: Dry: hops: ")


def test_json_is_the_answer_of_the_service_with_the_name(run: Run, domain: BeerApi) -> None:
    arguments = ("--bu-gu", "0.9", "--move", "0", "--unit", "oz", "--lower", "0.1", "--upper", "2", "--format", "json")
    _, out, _ = run(BEER, *arguments)
    question = {"beer": BEER, "target": {"bu_gu": 0.9}, "move": [0], "step_oz": 0.05, "lower_oz": 0.1, "upper_oz": 2.0}
    assert json.loads(out) == {"answers": [domain.solve(Question.model_validate(question))]}
    (answer,) = json.loads(run(PUNK, "--target", "30", "--format", "json")[1])["answers"]
    assert answer["name"] == "Best Bitter"


def test_weights_are_in_the_unit_that_is_asked_for(run: Run) -> None:
    magnum, cascade, *_ = run(BEER, "--target", "40", "--unit", "oz")[1].splitlines()
    assert magnum.split()[3] == cascade.split()[2] == "oz" and cascade.split()[1] == "1.058"
    small = {**BEER, "batch_volume_l": 4.0}
    in_grams = float(run(small, "--target", "90", "--unit", "g")[1].split()[2])
    in_ounces = float(run(small, "--target", "90", "--unit", "oz")[1].split()[2])
    assert in_ounces * 28.35 == pytest.approx(in_grams, abs=0.2)


def test_a_style_is_that_of_the_beer_or_the_one_that_is_named(run: Run) -> None:
    own, named = (run(BEER, "--style", *name) for name in ([], ["21A"]))
    assert own == named and own[1].splitlines()[-1].strip().startswith("21A American IPA, 40 to 70 IBU: ")


@pytest.mark.parametrize(
    ("file", "arguments", "reason"),
    [
        (BEER, ["--target", "500"], "--target: is out of reach: within the bounds of the weights the bitterness is "),
        (BEER, ["--style", "nothing"], "--style: is not in the table of styles"),
        (BEER, ["--target", "nan"], "--target: must be a finite number"),
        (BEER, ["--target", "40", "--move", "7"], "move.0: is no index of the beer's hops"),
        ({**BEER, "hops": None}, ["--target", "40"], "hops: "),
        ({**BEER, "target_fg": 1.06}, ["--target", "40"], "target_fg: the final gravity is above"),
        ({"no": "recipe"}, ["--target", "40"], ""),
        ([[]], ["--target", "40"], ""),
    ],
)
def test_what_has_no_answer_is_named_with_the_reason(run: Run, file: Any, arguments: list[str], reason: str) -> None:
    code, out, err = run(file, *arguments)
    assert (code, out) == (1, "") and err.startswith(f"Left out: file.json: {reason}") and err.count("\n") == 1
