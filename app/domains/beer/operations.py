"""The operations of the beer domain: each with its documentation, schemas, limits and examples."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.domains.api import Flag, Operation, Upload
from app.domains.beer.answers import Prediction, Predictions
from app.domains.beer.contradictions import contradictions_of_batch, contradictions_of_beer
from app.domains.beer.file_predictions import ALIASES, MEDIA_TYPES, RecipeAnswers, RecipeFile
from app.domains.beer.file_predictions import cost as file_cost
from app.domains.beer.recipe_writing import (
    EXAMPLE_NAMED,
    BeerJsonRecipe,
    NamedBeer,
    contradictions_of_named,
    cost_of_writing,
)
from app.domains.beer.reference import cost
from app.domains.beer.schema import EXAMPLE_BATCH, EXAMPLES, Beer, Beers
from app.domains.beer.solving.contradictions import contradictions_of_question, contradictions_of_questions
from app.domains.beer.solving.schema import (
    EXAMPLE_QUESTIONS,
    QUESTION_EXAMPLES,
    Question,
    Questions,
    Solution,
    Solutions,
)
from app.domains.beer.solving.solve import cost_of

if TYPE_CHECKING:
    from app.domains.beer.api import BeerApi

Operations = Sequence[Operation[Any, Any]]

BYTES_PER_QUANTILE = 40
"""Memory of a quantile in an answer."""


def operations_of(domain: "BeerApi") -> Operations:
    """Return the operations, in the order of the documentation.

    Args:
        domain: Answers them.
    """
    return (*_predicting(domain), *_of_files(domain), *_solving(domain))


def _predicting(domain: "BeerApi") -> Operations:
    """Predict beers: one, one with an explanation, many."""
    return (
        Operation(
            name="predict",
            path="/predict",
            summary="Predict a beer's bitterness",
            description="Bitterness in IBU with an interval and warnings, from the vital figures and, where "
            "known, the hop bill or the style. `model` in the response names the model. `ibu` is what the brewery "
            "of the training data would state; of `estimates`, `tinseth` is what brewing software shows, and "
            "`physical` what a laboratory might measure.",
            request=Beer,
            answer=Prediction,
            answered="The bitterness",
            run=domain.predict,
            run_many=domain.predict_each,
            contradictions=contradictions_of_beer,
            slow=lambda beer: beer.explain or bool(beer.reference),
            cost=lambda beer: cost(beer.reference),
            examples=EXAMPLES,
        ),
        Operation(
            name="explain",
            path="/explain",
            summary="Predict a beer's bitterness with an explanation",
            description="As `/predict` with `explain`: what each group of inputs adds to the bitterness, and what "
            "each addition of hops adds by four formulas and by the model.",
            request=Beer,
            answer=Prediction,
            answered="The bitterness with its explanation",
            run=domain.explain,
            contradictions=contradictions_of_beer,
            slow=lambda beer: True,
            cost=lambda beer: cost(beer.reference),
            examples=EXAMPLES,
        ),
        Operation(
            name="predict_batch",
            path="/predict/batch",
            summary="Predict up to 1,000 beers",
            description="All or nothing: one invalid beer rejects the batch, and the error names its index.",
            request=Beers,
            answer=Predictions,
            answered="The bitterness of each beer, in the order of the request",
            run=domain.predict_batch,
            contradictions=contradictions_of_batch,
            long=True,
            cost=lambda batch: cost(batch.reference) + BYTES_PER_QUANTILE * len(batch.beers) * (batch.quantiles or 0),
            size="many",
            examples={"batch": {"summary": "Two beers, one with its recipe", "value": EXAMPLE_BATCH}},
        ),
    )


def _of_files(domain: "BeerApi") -> Operations:
    """Read and write recipe files."""
    return (
        Operation(
            name="predict_recipes",
            path="/recipes",
            summary="Predict the beers of a recipe file",
            description="The file is the body, or the part `file` of a form: BeerXML, BeerJSON, JSON of Brewfather "
            "or of the Punk API, with up to 100 recipes. The format is recognized by the contents, not by the media "
            "type. The answer has for each recipe the beer in the format of `/predict`, its prediction, and notes on "
            "missing values and what was assumed instead; a recipe that cannot be converted has errors instead.",
            request=RecipeFile,
            answer=RecipeAnswers,
            answered="The recipes, each with its prediction or its errors",
            run=domain.predict_file,
            slow=lambda file: True,
            long=True,
            cost=file_cost,
            upload=Upload(
                MEDIA_TYPES,
                "file",
                RecipeFile.uploaded,
                ALIASES,
                flags=(Flag("explain", "Whether to explain each prediction."),),
            ),
        ),
        Operation(
            name="recipe_as_beerjson",
            path="/recipes/beerjson",
            summary="Write a recipe as BeerJSON",
            description="The reverse of `/recipes`: converts a beer in the format of `/predict` to a BeerJSON "
            "document, with the prediction as its `ibu_estimate`. `/recipes` reads it as the same beer, as far as "
            "the models are concerned. Notes list values that BeerJSON cannot express, and those that it requires "
            "and the beer does not state.",
            request=NamedBeer,
            answer=BeerJsonRecipe,
            answered="The document and the notes on it",
            run=domain.write_recipe,
            contradictions=contradictions_of_named,
            slow=lambda named: True,
            cost=cost_of_writing,
            examples={"recipe": {"summary": "The recipe of an American IPA", "value": EXAMPLE_NAMED}},
        ),
    )


def _solving(domain: "BeerApi") -> Operations:
    """Find weights of hops."""
    return (
        Operation(
            name="solve",
            path="/solve",
            summary="Find the weights of hops for a bitterness",
            description="The inverse of `/predict`: finds weights of hops with which the beer has a given "
            "bitterness or ratio of bitterness to gravity, or the best chance to be in a style. Additions whose "
            "weights change keep their ratio. The problem for a target out of reach states the reachable range.",
            request=Question,
            answer=Solution,
            answered="The hop bill with the weights, and the prediction for it",
            run=domain.solve,
            contradictions=contradictions_of_question,
            slow=lambda question: True,
            cost=lambda question: cost_of([question]),
            examples=QUESTION_EXAMPLES,
        ),
        Operation(
            name="solve_batch",
            path="/solve/batch",
            summary="Find the weights of hops for up to 100 beers",
            description="As `/solve`, for each question separately: a question without a solution has errors instead.",
            request=Questions,
            answer=Solutions,
            answered="The answer to each question, in the order of the request",
            run=domain.solve_batch,
            contradictions=contradictions_of_questions,
            slow=lambda batch: True,
            long=True,
            cost=lambda batch: cost_of(batch.questions),
            size="many",
            examples={"batch": {"summary": "The same beer by the model and by Tinseth", "value": EXAMPLE_QUESTIONS}},
        ),
    )
