"""Find the weights of hops with which the recipes of a file have a bitterness. Needs no server, key or network.

FILE is BeerXML, BeerJSON, a document of the Punk API, or a beer in JSON as POST /predict takes it, whose hops may come
without weights. A recipe for which there is no answer is named on stderr with the reason, and the exit code is 1.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.cli.output import write_line
from app.cli.predict import EXIT_LEFT_OUT, complain, with_name
from app.settings import load_model_settings, log_deprecated_names

if TYPE_CHECKING:
    from app.domains.beer.solving.schema import Question, Solution

_GRAVITIES = frozenset({"target_og", "target_og_plato"})
_FIGURES = ("model", "physical", "tinseth", "rager", "garetz")


class Solved(NamedTuple):
    """A recipe with its answer."""

    name: str | None
    """Name of the recipe, if it has one."""
    hops: Sequence[dict[str, Any]]
    """The hop bill before."""
    solution: "Solution"
    """The answer."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``solve``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser("solve", help="find the grams of hops for a bitterness", description=__doc__)
    parser.add_argument("file", metavar="FILE", help="file with recipes or a beer, or - for stdin")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--target", type=float, metavar="IBU", help="bitterness")
    target.add_argument("--bu-gu", type=float, metavar="RATIO", help="IBU by points of original gravity above 1000")
    target.add_argument(
        "--style",
        nargs="?",
        const=True,
        metavar="STYLE",
        help="best chance in a style; without STYLE, in the beer's own",
    )
    parser.add_argument("--by", choices=_FIGURES, default="model", help="figure to reach (default: %(default)s)")
    parser.add_argument(
        "--move", type=int, nargs="+", metavar="N", help="additions that may move, from 0; default: boiled"
    )
    parser.add_argument("--unit", choices=("g", "oz"), help="unit of the weights; default: that of the recipe")
    parser.add_argument(
        "--step",
        type=float,
        help="step of the weights in UNIT, 0 for none; default: 0.5 g or 0.05 oz, finer below 10 l",
    )
    parser.add_argument("--lower", type=float, help="least weight of each addition that moves, in UNIT (default: g)")
    parser.add_argument("--upper", type=float, help="greatest weight of each addition that moves, in UNIT (default: g)")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: %(default)s")
    parser.set_defaults(run=_solve)


def _solve(arguments: argparse.Namespace) -> None:
    from app.composition.domains import load_domain  # with the models, half a second
    from app.domains.beer.api import BeerApi

    settings = load_model_settings()
    log_deprecated_names(settings)
    domain = load_domain(settings, BeerApi)
    left_out: list[str] = []
    solved = list(_answers(arguments, domain.solve, left_out))
    if sys.stdout is not None:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # letters that it cannot show
    if arguments.format == "json":
        named = [{**({"name": each.name} if each.name else {}), **each.solution} for each in solved]
        write_line(json.dumps({"answers": named}, ensure_ascii=False, indent=2))
    else:
        for each in solved:
            write_line("\n".join(_lines(each, arguments.unit)))
    complain(left_out)
    if left_out:
        raise SystemExit(EXIT_LEFT_OUT)


def _answers(
    arguments: argparse.Namespace, solve: "Callable[[Question], Solution]", left_out: list[str]
) -> Iterator[Solved]:
    """Answer for each recipe of the file; `left_out` gets a line for each that has no answer."""
    from pydantic import ValidationError

    from app.cli.recipe_files import read_file
    from app.domains.beer.solving.contradictions import contradictions_of_question
    from app.domains.beer.solving.moving import default_step
    from app.domains.beer.solving.schema import Question
    from app.domains.validation import problems_of
    from app.errors import InputError, InvalidOutput

    file = read_file(arguments.file)
    beers = [(recipe.name, recipe.beer, recipe.error) for recipe in file.recipes]
    if (beer := _plain_beer(file.contents)) is not None:
        beers = [(None, beer, None)]
    elif file.error is not None:
        problem = file.error["errors"][0]
        left_out.append(f"{file.name}: {problem['path']}: {problem['reason']}")
    for name, beer, error in beers:
        prefix = f"{file.name}: {with_name(name)}"
        if beer is None:
            left_out.append(f"{prefix}{error.path}: {error.text}" if error else f"{prefix}no beer")
            continue
        question = {"beer": beer, **_question(arguments)}
        try:
            asked = Question.model_validate(question)
            if arguments.unit and arguments.step is None:
                question[f"step_{arguments.unit}"] = default_step(asked.beer, arguments.unit == "oz")
                asked = Question.model_validate(question)
            solution = solve(asked)
        except ValidationError as invalid:
            problems = [*problems_of(invalid), *contradictions_of_question(question)]
        except InputError as wrong:
            problems = list(wrong.problems)
        except InvalidOutput:
            left_out.append(f"{prefix}the model has no valid answer for this beer")
            continue
        else:
            hops: Any = beer["hops"]
            yield Solved(name, hops, solution)
            continue
        left_out += [f"{prefix}{_as_option(problem.field)}: {problem.reason}" for problem in problems[:1]]


def _plain_beer(contents: bytes) -> dict[str, Any] | None:
    """Return the beer of a file in the shape of `POST /predict`; None if it is a recipe file."""
    try:
        value = json.loads(contents)
    except (ValueError, RecursionError):
        return None
    is_beer = isinstance(value, dict) and not _GRAVITIES.isdisjoint(value) and "ingredients" not in value
    return value if is_beer else None


def _question(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the question without its beer."""
    unit = arguments.unit or "g"
    target: dict[str, Any] = {"ibu": arguments.target, "bu_gu": arguments.bu_gu}
    if arguments.style is True:
        target["own_style"] = True
    else:
        target["style"] = arguments.style
    question = {f"lower_{unit}": arguments.lower, f"upper_{unit}": arguments.upper, f"step_{unit}": arguments.step}
    return {"target": target, "by": arguments.by, "move": arguments.move, **question}


def _as_option(field: str) -> str:
    """Return the option that a field of the question is asked by, or the field of the beer."""
    options = {"target.ibu": "--target", "target.bu_gu": "--bu-gu", "target.style": "--style"}
    return options.get(field) or field.removeprefix("beer.")


def _lines(solved: Solved, unit: str | None) -> Iterator[str]:
    """Return the lines that say an answer: the weights, in a unit or as they are, and the bitterness."""
    from app.cli.recipe_table import printable

    solution = solved.solution
    prediction, estimates, reachable = solution["prediction"], solution["estimates"], solution["reachable"]
    if solved.name:
        yield printable(solved.name)
    for index, (before, hop) in enumerate(zip(solved.hops, solution["hops"], strict=True)):
        weight, was = _weight(hop, unit), _weight(before, unit)
        change = f"(was {was})" if index in solution["moved"] and was else ""
        moved = ">" if index in solution["moved"] else " "
        yield f"  {moved} {index:>2}  {weight:>12}  {_time(hop):<14}  {printable(str(hop['name']))}  {change}".rstrip()
    interval = prediction["interval"]
    yield f"    model {prediction['ibu']:.1f} IBU ({interval['lower']:.1f} - {interval['upper']:.1f}); " + ", ".join(
        f"{name.capitalize() if name != 'physical' else name} {ibu:.1f}" for name, ibu in estimates.items()
    )
    yield (
        f"    {reachable['lower']:.1f} to {reachable['upper']:.1f} IBU can be reached; one gram of > moves it by "
        f"{solution['ibu_per_gram']:g} IBU"
    )
    if "style" in solution and "bitterness" in solution["style"]:
        style, bitterness = solution["style"], solution["style"]["bitterness"]
        low, high, chance = bitterness["low"], bitterness["high"], bitterness["probability"]
        yield f"    {style['code']} {style['name']}, {low:g} to {high:g} IBU: {chance:.0%} chance to be inside"
    if solution["method"] == "physical_shape":
        at = f"there {solution['ibu']:.1f} IBU"
        yield f"    this model moves in leaps: the weights follow the curve of the physical estimate, {at}"
    for warning in prediction["warnings"]:
        yield printable(f"    warning  {warning['message']}")


def _weight(hop: dict[str, Any], unit: str | None) -> str:
    """Return a weight in a unit, or in that in which it is; empty if there is none."""
    from app.domains.beer.units import GRAMS_PER_OUNCE, grams

    ounces, weight = hop.get("amount_oz"), hop.get("amount_g")
    if ounces is not None and unit != "g":
        return f"{ounces:g} oz"
    if weight is not None and unit == "oz":
        return f"{weight / GRAMS_PER_OUNCE:.4g} oz"
    weight = grams(ounces) if ounces is not None else weight
    return f"{weight:g} g" if weight is not None else ""


def _time(hop: dict[str, Any]) -> str:
    return str(hop["stage"]) if hop.get("stage") is not None else f"{hop['boil_minutes']:g} min"
