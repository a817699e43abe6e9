"""Predictions for recipe files: each recipe with its beer, the prediction and the notes, or with what is wrong."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NotRequired, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from typing_extensions import TypedDict

from app.domains.api import JSON_TYPE
from app.domains.beer.answers import Prediction
from app.domains.beer.contradictions import contradictions_of_beer
from app.domains.beer.recipe_files.reading import MAX_RECIPES, ReadRecipe
from app.domains.beer.schema import Beer
from app.domains.validation import problems_of
from app.errors import CallError, InputError, InvalidOutput, Problem
from app.telemetry.ids import enter_row

MAX_PROBLEMS = 20
"""Maximum number of reported problems per recipe."""
BYTES_PER_BYTE = 40
"""Memory that reading a file takes, per byte of it: elements and values of a few bytes each."""
BYTES_PER_RECIPE = 100_000
"""Memory that a recipe takes while it is predicted and answered."""
MEDIA_TYPES = ("application/xml", "application/octet-stream")
"""Media types of recipe files that the documentation names. A file's format is determined by its contents."""
ALIASES = (
    "",
    JSON_TYPE,
    "text/xml",
    "text/plain",
    "application/beerxml",
    "application/beerxml+xml",
    "application/vnd.beerxml+xml",
    "application/beerjson",
    "application/beerjson+json",
    "application/vnd.beerjson+json",
    "application/x-www-form-urlencoded",
)
"""What clients send as well; the last is what curl says of any body, and an empty one is none. JSON is not among the
types in the documentation: a value of any kind as a body breaks the client of openapi-python-client."""


class RecipeFile(BaseModel):
    """A recipe file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    contents: bytes
    explain: bool = False

    @classmethod
    def uploaded(cls, contents: bytes, field: str, explain: bool = False) -> "RecipeFile":
        """Create the request from uploaded bytes.

        Args:
            contents: The file.
            field: Its location in the request; errors name the element of the file instead.
            explain: Whether to explain each prediction.
        """
        return cls.model_construct(contents=contents, explain=explain)


class RecipeNote(TypedDict):
    """What a recipe file does not state, or not plainly, and what was taken for it.

    `path` is the element in the file: a path such as `/RECIPES/RECIPE[1]/OG` in XML, a JSON Pointer in JSON.
    """

    path: str
    code: str
    message: str


class RecipeProblem(TypedDict):
    """Why a recipe has no prediction.

    `path` is the element in the file, or a field of the beer that was made of it, such as `beer.hops.0.alpha_acid`.
    """

    path: str
    code: str
    reason: str


class RecipeAnswer(TypedDict):
    """One recipe of a file: with `beer`, which `POST /predict` takes, and `prediction`, or with `errors`.

    `stated_ibu` is the bitterness that the file states, IBU; it has no part in the prediction.
    """

    name: NotRequired[str]
    stated_ibu: NotRequired[float]
    beer: NotRequired[Annotated[dict[str, JsonValue], Field(json_schema_extra={"x-same-as": "Beer"})]]
    prediction: NotRequired[Prediction]
    notes: list[RecipeNote]
    errors: NotRequired[list[RecipeProblem]]


class RecipeAnswers(TypedDict):
    """The recipes of a file, in its order."""

    recipes: list[RecipeAnswer]


class BeerPredictor(Protocol):
    """What answers beers."""

    def predict(self, beer: Beer, version: str | None = None) -> Prediction:
        """Predict one beer."""

    def predict_each(self, beers: Sequence[Beer]) -> list[Prediction | CallError]:
        """Predict several beers independently."""


def cost(file: RecipeFile) -> int:
    """Estimate the bytes that answering a file takes, in addition to the file."""
    return len(file.contents) * BYTES_PER_BYTE + MAX_RECIPES * BYTES_PER_RECIPE


def answer_file(predictor: BeerPredictor, file: RecipeFile, version: str | None = None) -> RecipeAnswers:
    """Predict the recipes of a file.

    Args:
        predictor: Answers the beers.
        file: The file.
        version: Version of the model; None is the active one.

    Raises:
        InputError: If the file as a whole cannot be read.
        CallError: If the model cannot answer, or there is no such version.
    """
    from app.domains.beer.recipe_files.files import read_recipes  # its readers take time and memory to import

    try:
        recipes = read_recipes(file.contents)
    except InputError as error:
        raise error.with_traceback(None) from None  # the frames of its traceback hold the whole document
    return {"recipes": answer_recipes(predictor, recipes, file.explain, version)}


def answer_recipes(
    predictor: BeerPredictor,
    recipes: Sequence[ReadRecipe],
    explain: bool = False,
    version: str | None = None,
    coverage: Sequence[float] = (),
) -> list[RecipeAnswer]:
    """Predict recipes that were read; one that cannot be predicted hides no other.

    Args:
        predictor: Answers the beers.
        recipes: The recipes.
        explain: Whether to explain each prediction.
        version: Version of the model; None is the active one.
        coverage: Coverages of the intervals to add to each prediction.

    Returns:
        What is said of each recipe, in the order of `recipes`.

    Raises:
        CallError: If the model cannot answer, or there is no such version.
    """
    asked = {"explain": explain, "coverage": list(coverage)} if explain or coverage else {}
    beers = [_beer(recipe.beer, asked) for recipe in recipes]
    valid = [beer for beer in beers if isinstance(beer, Beer)]
    predictions = iter(_predictions(predictor, valid, explain, version))
    return [
        _answer(recipe, next(predictions) if isinstance(beer, Beer) else beer)
        for recipe, beer in zip(recipes, beers, strict=True)
    ]


def _beer(values: dict[str, object] | None, asked: dict[str, object]) -> Beer | InputError | None:
    if values is None:
        return None
    try:
        return Beer.model_validate({**values, **asked})
    except ValidationError as error:
        return InputError([*problems_of(error), *contradictions_of_beer(values)])


def _predictions(
    predictor: BeerPredictor, beers: Sequence[Beer], explain: bool, version: str | None
) -> Iterator[Prediction | CallError]:
    if not explain and version is None:
        yield from predictor.predict_each(beers)
        return
    for index, beer in enumerate(beers):
        enter_row(index)
        try:
            yield predictor.predict(beer, version)
        except (InputError, InvalidOutput) as error:
            yield error


def _answer(recipe: ReadRecipe, result: Prediction | CallError | None) -> RecipeAnswer:
    notes: list[RecipeNote] = [{"path": note.path, "code": note.code, "message": note.text} for note in recipe.notes]
    answer: dict[str, Any] = {"name": recipe.name, "stated_ibu": recipe.stated_ibu, "beer": recipe.beer}
    if recipe.error is not None:
        answer["errors"] = [{"path": recipe.error.path, "code": recipe.error.code, "reason": recipe.error.text}]
    elif isinstance(result, CallError):
        answer["errors"] = [
            {"path": f"beer.{problem.field}", "code": problem.code, "reason": problem.reason}
            for problem in _problems(result)[:MAX_PROBLEMS]
        ]
    else:
        answer["prediction"] = result
    return cast(RecipeAnswer, {**{key: value for key, value in answer.items() if value is not None}, "notes": notes})


def _problems(error: CallError) -> Sequence[Problem]:
    """The problems of a beer.

    Raises:
        CallError: If it concerns the model and not this beer.
    """
    if isinstance(error, InputError):
        return error.problems
    if isinstance(error, InvalidOutput):
        return [Problem("ibu", "not_ready", "the model has no valid answer for this beer")]
    raise error
