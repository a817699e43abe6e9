"""Predicts beers as ``POST /predict`` does: each by the model that accepts its fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

from app.batch.answers import CARRIED, CHUNK_ROWS, AnsweredRow, BatchTransport
from app.batch.row import bad_file
from app.domains.beer.api import VITALS, BeerApi
from app.domains.beer.file_predictions import answer_recipes
from app.domains.beer.predictions import PredictionBuilder
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.vital_figures import FIELDS, Run, VitalAnswers, answer_vitals, are_valid, assumptions_of
from app.errors import Problem
from app.models.manager import ModelManager
from app.scoring.answered import WARNINGS, Answered, lists
from app.scoring.pieces import Carried, Piece

MAX_RECIPES = 100_000
"""Maximum number of recipes of a file."""
_INTERVAL = {"lower": pyarrow.float64(), "upper": pyarrow.float64(), "coverage": pyarrow.float64()}
_ASSUMPTIONS = pyarrow.list_(
    pyarrow.struct(
        {
            "field": pyarrow.string(),
            "value": pyarrow.float64(),
            "unit": pyarrow.string(),
            "reason": pyarrow.string(),
        }
    )
)
_INTERVALS = pyarrow.list_(pyarrow.struct(_INTERVAL))
_NOTES = pyarrow.list_(
    pyarrow.struct({"path": pyarrow.string(), "code": pyarrow.string(), "message": pyarrow.string()})
)
_LISTS = {"assumptions": _ASSUMPTIONS, "intervals": _INTERVALS, "quantiles": pyarrow.list_(pyarrow.float64())}
_STYLE = {
    "style_low": "low",
    "style_high": "high",
    "style_inside": "inside",
    "style_probability": "probability",
}
_NAMES = ("model", "version", "style_code", "style_name", *_STYLE)
SCHEMA = pyarrow.schema(
    {
        "row": pyarrow.int64(),
        **dict.fromkeys(CARRIED, pyarrow.string()),
        "ibu": pyarrow.float64(),
        **_INTERVAL,
        "model": pyarrow.string(),
        "version": pyarrow.string(),
        "bu_gu": pyarrow.float64(),
        "warnings": WARNINGS,
        "assumptions": _ASSUMPTIONS,
        "tinseth": pyarrow.float64(),
        "physical": pyarrow.float64(),
        "style_code": pyarrow.string(),
        "style_name": pyarrow.string(),
        **{name: pyarrow.bool_() if name == "style_inside" else pyarrow.float64() for name in _STYLE},
        "intervals": _INTERVALS,
        "quantiles": _LISTS["quantiles"],
        "notes": _NOTES,
    }
)
"""The columns of predictions; docs/score.md says what each is."""


class BeerScorer:
    """Answers rows by the beer domain."""

    schema = SCHEMA

    def __init__(
        self, domain: BeerApi, manager: ModelManager, version: str | None = None, run: Run | None = None
    ) -> None:
        """Create the scorer.

        Args:
            domain: The domain.
            manager: Owns its models.
            version: Version of the models; None is the active one of each.
            run: Runs the graph of the vitals model in place of the loaded one, with the same results.
        """
        self._run = run
        operation = domain.operations[0]
        self._transport = BatchTransport(replace(operation, run_many=partial(domain.predict_each, version=version)))
        self._domain = domain
        self._version = version
        self._loaded = manager.get(VITALS, version)
        builder = self._loaded.prepared(PredictionBuilder)
        self.fields: tuple[str, ...] = () if builder.reads_hops or builder.reads_style else FIELDS
        """Fields that are answered as arrays."""
        self.columns = self._transport.columns
        """The columns that a table may have."""

    def answer(self, piece: Piece) -> Answered:
        """Answer rows.

        Args:
            piece: The rows.

        Raises:
            CallError: If a model cannot answer.
        """
        plain = piece.plain.copy()
        vitals = None
        if self.fields and plain.any():
            chosen = piece.numbers[plain]
            is_valid = are_valid(chosen)
            plain[plain] = is_valid
            if is_valid.any():
                vitals = answer_vitals(self._loaded, chosen[is_valid], self._run)
        else:
            plain[:] = False
        if vitals is not None and not vitals.is_valid.all():  # each row by itself says what is wrong
            plain[:], vitals = False, None
        others = np.flatnonzero(~plain).tolist()
        answered: dict[int, AnsweredRow] = {}
        for start in range(0, len(others), CHUNK_ROWS):
            chunk = others[start : start + CHUNK_ROWS]
            answered.update(zip(chunk, self._transport.answer_rows([piece.row(index) for index in chunk]), strict=True))
        problems = [(piece.first_row + index, row.problems) for index, row in answered.items() if row.answer is None]
        kept = np.ones(len(piece), np.bool_)
        kept[[index for index, row in answered.items() if row.answer is None]] = False
        places = np.flatnonzero(kept)
        carried = piece.carried_of(places)
        position = {place: index for index, place in enumerate(places.tolist())} if answered else {}
        single: dict[int, Mapping[str, Any]] = {}
        for place, row in answered.items():
            if row.answer is not None:
                single[position[place]] = row.answer
        model = self._loaded.manifest
        return BeerAnswers(
            places + piece.first_row, carried, problems, vitals, plain[kept], single, (model.name, model.version)
        )

    def answer_recipes(self, data: bytes) -> Iterator[Answered]:
        """Answer the recipes of a recipe file, each as a row.

        Args:
            data: The file.

        Raises:
            InputError: If the file cannot be read.
            CallError: If a model cannot answer.
        """
        recipes = read_recipes(data, MAX_RECIPES)
        if not recipes:
            raise bad_file("missing", "has no recipes")
        for start in range(0, len(recipes), CHUNK_ROWS):
            answers = answer_recipes(self._domain, recipes[start : start + CHUNK_ROWS], version=self._version)
            good = [index for index, answer in enumerate(answers) if "errors" not in answer]
            problems = [
                (
                    start + index + 1,
                    [Problem(error["path"], error["code"], error["reason"]) for error in answer["errors"]],
                )
                for index, answer in enumerate(answers)
                if "errors" in answer
            ]
            carried: dict[str, Carried] = {"name": [answers[index].get("name") for index in good]}
            single = {
                place: {**answers[index]["prediction"], "notes": answers[index]["notes"]}
                for place, index in enumerate(good)
            }
            rows = np.array(good, np.int64) + start + 1
            yield BeerAnswers(rows, carried, problems, None, np.zeros(len(good), np.bool_), single, ("", ""))


class BeerAnswers(Answered):
    """Answers to beers."""

    def __init__(
        self,
        rows: NDArray[np.int64],
        carried: Mapping[str, Carried],
        problems: Sequence[tuple[int, Sequence[Problem]]],
        vitals: VitalAnswers | None,
        is_vital: NDArray[np.bool_],
        single: Mapping[int, Mapping[str, Any]],
        model: tuple[str, str],
    ) -> None:
        """Create the answers.

        Args:
            rows: See `Answered`.
            carried: See `Answered`.
            problems: See `Answered`.
            vitals: Those that were answered as arrays.
            is_vital: Which rows these are.
            single: The others, by index, in ascending order.
            model: Name and version of the model of `vitals`.
        """
        super().__init__(rows, carried, problems)
        self._vitals, self._single, self._model = vitals, single, model
        self._is_vital = is_vital

    @cached_property
    def _warnings(self) -> dict[int, list[Any]]:
        """Warnings of the rows that have any, by index."""
        found: dict[int, list[Any]] = {}
        if self._vitals is not None:
            places = np.flatnonzero(self._is_vital).tolist()
            for index, warning in self._vitals.warnings:
                found.setdefault(places[index], []).append(warning)
        found |= {index: answer["warnings"] for index, answer in self._single.items() if answer["warnings"]}
        return dict(sorted(found.items())) if self._single else found

    def answers(self) -> Sequence[Mapping[str, Any]]:
        """See `Answered.answers`."""
        result: list[Any] = [self._single.get(index) for index in range(len(self))]
        if self._vitals is not None:
            model = dict(zip(("name", "version"), self._model, strict=True))
            for index, place in enumerate(np.flatnonzero(self._is_vital).tolist()):
                answer = self._vitals.parts(index)
                answer |= {"model": model, "warnings": self._warnings.get(place, [])}
                if (bu_gu := float(self._vitals.bu_gu[index])) == bu_gu:
                    answer["bu_gu"] = bu_gu
                if assumed := assumptions_of(self._vitals.assumed.get(index)):
                    answer["assumptions"] = assumed
                result[place] = answer
        return result

    def columns(self) -> Mapping[str, Any]:
        """See `Answered.columns`."""
        count, single = len(self), self._single
        numbers = {name: np.full(count, np.nan) for name in ("ibu", *_INTERVAL, "bu_gu", "tinseth", "physical")}
        names: dict[str, Any] = dict.fromkeys(_NAMES)
        names |= zip(("model", "version"), self._model, strict=True)
        if single:
            names = {name: [value] * count for name, value in names.items()}
        found: dict[str, dict[int, Any]] = {name: {} for name in (*_LISTS, "notes")}
        if self._vitals is not None:
            vitals = self._vitals
            for name, values in ("ibu", vitals.ibu), ("lower", vitals.lower), ("upper", vitals.upper):
                numbers[name][self._is_vital] = values
            numbers["coverage"][self._is_vital] = vitals.coverage
            numbers["bu_gu"][self._is_vital] = vitals.bu_gu
            if vitals.assumed:
                places = np.flatnonzero(self._is_vital).tolist()
                found["assumptions"] = {places[index]: assumptions_of(abv) for index, abv in vitals.assumed.items()}
        for index, answer in single.items():
            flat = {**answer, **answer["interval"], **answer.get("estimates", {})}
            for name, column in numbers.items():
                column[index] = flat.get(name, np.nan)
            names["model"][index], names["version"][index] = answer["model"]["name"], answer["model"]["version"]
            if style := answer.get("style"):
                names["style_code"][index], names["style_name"][index] = style["code"], style["name"]
                for name, key in _STYLE.items():
                    names[name][index] = style.get("bitterness", {}).get(key)
            for name, items in found.items():
                if answer.get(name):
                    items[index] = answer[name]
        types = {**_LISTS, "notes": _NOTES}
        return {
            **numbers,
            **{name: _repeated(name, value, count) for name, value in names.items()},
            "warnings": lists(WARNINGS, count, self._warnings),
            **{name: lists(types[name], count, dict(sorted(items.items()))) for name, items in found.items()},
        }


def _repeated(name: str, value: Any, count: int) -> Any:
    """A column of one value; one that has others is returned as it is."""
    if isinstance(value, list):
        return value
    return pyarrow.repeat(pyarrow.scalar(value, SCHEMA.field(name).type), count)
