"""The command ``predict``: recipe files in, a table, JSON, CSV or BeerJSON out, without a server."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.cli import predict, progress
from app.cli.progress import Progress
from app.cli.recipe_files import find_files
from tests.commands import Run, runner
from tests.known import REPOSITORY
from tests.live.program import environment
from tests.punk_recipes import BAD, GOOD


@pytest.fixture
def run(plain_environment: Path, models: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """Runs the command in this process, in an empty folder; returns exit code, stdout and stderr."""
    monkeypatch.setenv("MODEL_URI", str(models))

    return runner("predict", monkeypatch, capsys)


def write(name: str, *recipes: object) -> str:
    """Write a file of recipes in the working folder; return its name."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(recipes if len(recipes) > 1 else recipes[0]))
    return name


def test_a_table_has_the_figures_and_below_them_what_there_is_to_say(run: Run) -> None:
    code, out, err = run(write("bitter.json", GOOD))
    head, row, note = out.splitlines()
    assert head.split() == ["recipe", "IBU", "interval", "Tinseth", "physical", "stated"]
    name, ibu, lower, dash, upper, tinseth, physical, stated = (row[:40].strip(), *row[40:].split())
    assert (name, dash, stated) == ("Best Bitter", "-", "32.0")
    assert float(lower) < float(ibu) < float(upper) and 0 < float(tinseth) and 0 < float(physical)
    kind, path, *_ = note.split()
    assert kind == "note" and path.startswith("/ingredients/hops/0")
    assert (code, err) == (0, "")


def test_an_explained_table_says_why_and_what_each_addition_adds(run: Run) -> None:
    _, out, _ = run(write("bitter.json", GOOD), "--explain")
    remarks = [line.split(maxsplit=1) for line in out.splitlines()[2:]]
    reasons = [text for kind, text in remarks if kind == "reason"]
    assert any("bittering hops of a typical beer" in text for text in reasons)
    (hops,) = (text for kind, text in remarks if kind == "hops")
    assert hops.startswith("hops.0, Fuggles: Tinseth ") and all(name in hops for name in ("Rager", "Garetz", "model"))


def test_the_example_of_the_documentation_gives_what_it_says(run: Run) -> None:
    text = (REPOSITORY / "docs" / "recipe-files.md").read_text("utf-8")
    file, served, *_ = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (table,) = re.findall(r"```\n(recipe  .*?)```", text, re.DOTALL)
    assert json.loads(file) == [GOOD, BAD]
    name = write("recipes.json", GOOD, BAD)
    assert run(name)[1] == table
    recipes = json.loads(run(name, "--format", "json")[1])["recipes"]
    assert [{"file": name, **recipe} for recipe in json.loads(served)["recipes"]] == recipes


def test_one_that_cannot_be_read_is_named_and_hides_no_other(run: Run) -> None:
    names = [write("a.json", GOOD, BAD), "missing.xml", write("c.json", 5), "-"]
    code, out, err = run(*names, "--format", "csv", stdin=json.dumps(GOOD).encode())
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == predict.EXIT_LEFT_OUT
    assert [(row["file"], row["name"], bool(row["ibu"]), bool(row["errors"])) for row in rows] == [
        ("a.json", "Best Bitter", True, False),
        ("a.json", "No gravity", False, True),
        ("missing.xml", "", False, True),
        ("c.json", "", False, True),
        ("-", "Best Bitter", True, False),
    ]
    assert rows[0]["ibu"] == rows[4]["ibu"] and rows[0]["stated"] == "32.0"
    lines = err.splitlines()
    assert lines[0].startswith("Left out: a.json: No gravity: /1/target_og: ")
    assert lines[1] == "Left out: missing.xml: file: No such file or directory"
    assert len(lines) == 3 and lines[2].startswith("Left out: c.json: ")


def test_json_is_what_the_service_answers_with_the_file_of_each_recipe(run: Run, domain: Any) -> None:
    from app.domains.beer.file_predictions import RecipeFile

    name = write("recipes/all.json", GOOD, BAD)
    _, out, _ = run(name, "--format", "json", "--explain")
    served = domain.predict_file(RecipeFile.uploaded(Path(name).read_bytes(), "file", explain=True))["recipes"]
    assert json.loads(out) == {"recipes": [{"file": name, **recipe} for recipe in json.loads(json.dumps(served))]}
    assert "explanation" in served[0]["prediction"]


def _beerjson(name: str, **more: object) -> dict[str, Any]:
    grain = {
        "name": "Pale",
        "type": "grain",
        "amount": {"unit": "kg", "value": 4},
        "color": {"unit": "EBC", "value": 5},
    }
    hop = {"name": "Fuggle", "alpha_acid": {"unit": "%", "value": 5}, "amount": {"unit": "g", "value": 40}}
    timing = {"use": "add_to_boil", "time": {"unit": "min", "value": 60}}
    recipe = {
        "name": name,
        "type": "all grain",
        "batch_size": {"unit": "l", "value": 20},
        "original_gravity": {"unit": "sg", "value": 1.042},
        "final_gravity": {"unit": "sg", "value": 1.010},
        "ingredients": {"fermentable_additions": [grain], "hop_additions": [{**hop, "timing": timing}]},
    }
    return {"beerjson": {"version": 1.0, **more, "recipes": [recipe]}}


def test_beerjson_has_the_recipes_of_all_files_with_their_bitterness(run: Run) -> None:
    first, second = _beerjson("One"), _beerjson("Two", hop_varieties=[{"name": "Fuggle"}])
    names = [write("1.json", first), write("2.json", second), write("punk.json", GOOD)]
    code, out, err = run(*names, "--format", "beerjson")
    written = json.loads(out)["beerjson"]
    ibu = [each["ibu_estimate"]["value"]["value"] for each in written["recipes"]]
    assert ibu[0] == ibu[1] > 0
    for recipe, original in zip(written["recipes"], (first, second), strict=True):
        assert {**recipe, "ibu_estimate": None} == {**original["beerjson"]["recipes"][0], "ibu_estimate": None}
    assert (written["version"], written["hop_varieties"]) == (1.0, [{"name": "Fuggle"}])
    assert code == predict.EXIT_LEFT_OUT and err.startswith("Left out: punk.json: ") and len(err.splitlines()) == 1
    assert run(names[2], "--format", "beerjson")[:2] == (predict.EXIT_LEFT_OUT, "")


def test_the_files_of_a_folder_are_found_at_any_depth_by_their_ends(run: Run) -> None:
    for name in "b/2.XML", "b/a/1.beerjson", "b/picture.png", "b/c.json", "b/d.beerxml":
        write(name, GOOD)
    assert find_files(["b", "-", "nowhere"]) == [
        *(str(Path("b") / name) for name in ("2.XML", "a/1.beerjson", "c.json", "d.beerxml")),
        "-",
        "nowhere",
    ]
    Path("empty").mkdir()
    code, _, err = run("empty")
    assert code == predict.EXIT_LEFT_OUT and "no recipe file" in err


def test_a_name_cannot_control_the_terminal_or_move_the_columns(run: Run) -> None:
    for name in "\x1b[2J\x07evil\n", "黒" * 60, "e\u0301" * 60:
        _, out, err = run(write("odd.json", {**GOOD, "name": name}))
        row = out.splitlines()[1]
        assert all(character.isprintable() for character in out.replace("\n", "") + err)
        assert "\x1b" not in out and " - " in row


def test_a_name_in_json_is_itself_and_cannot_control_the_terminal(run: Run) -> None:
    name = "\x9b2J\u202eevil\x7f"
    _, out, _ = run(write("odd.json", {**GOOD, "name": name}), "--format", "json")
    assert all(character.isprintable() for character in out.replace("\n", ""))
    assert json.loads(out)["recipes"][0]["name"] == name


def test_a_name_is_no_formula_of_a_spreadsheet_and_no_control_in_csv(run: Run) -> None:
    names = '=HYPERLINK("http://evil.example")', "  +1", "@SUM(A1)", "-2\x1b[2J", "Pale = good"
    _, out, _ = run(write("odd.json", *({**GOOD, "name": name} for name in names)), "--format", "csv")
    found = [row["name"] for row in csv.DictReader(io.StringIO(out))]
    assert [name.lstrip("' ")[:2] for name in found] == ["=H", "+1", "@S", "-2", "Pa"]
    assert [name.startswith("'") for name in found] == [True, True, True, True, False] and "\x1b" not in out


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("delay", "is_shown"), [(0.0, True), (60.0, False)])
def test_a_bar_appears_on_a_terminal_after_a_while_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, delay: float, is_shown: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "DELAY", delay)
    bar = Progress(10, "files")
    bar.show(5)
    bar.clear()
    expected = f"\r[{'#' * 15}{'-' * 15}] 5 of 10 files\r\x1b[K"
    assert terminal.getvalue() == (expected if is_shown else "")


def test_the_command_needs_no_key_and_leaves_no_file(tmp_path: Path, models: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps([GOOD, BAD]))
    command = [sys.executable, "-m", "app", "predict", "r.json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(MODEL_URI=str(models)), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == predict.EXIT_LEFT_OUT and "Traceback" not in done.stderr
    assert done.stdout.splitlines()[1].startswith("Best Bitter ")
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_intervals_of_further_coverages_are_added_to_json(run: Run) -> None:
    name = write("bitter.json", GOOD)
    code, out, _ = run(name, "--format", "json", "--coverage", "0.5", "--coverage", "0.9")
    (recipe,) = json.loads(out)["recipes"]
    half, whole = recipe["prediction"]["intervals"]
    assert code == 0 and whole == recipe["prediction"]["interval"]
    assert half["coverage"] == 0.5 and whole["lower"] < half["lower"] < half["upper"] < whole["upper"]
    code, _, err = run(name, "--coverage", "0.7")
    assert code == 1 and "beer.coverage.0: must be 0.5 or 0.8 or 0.9" in err
