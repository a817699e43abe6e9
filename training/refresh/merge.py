"""Merges sources of recipes: a beer that several sources state counts once."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from app.bundle.manifest import CleaningStep
from app.domains.beer.inputs import VITAL_INPUTS, names
from app.domains.beer.recipe_files.numbers import number
from app.domains.beer.units import POINTS_PER_SG
from training.beer.bills import bill_key
from training.sources import Recipe, RecipeDataset
from training.sources.base import digest

GRAVITIES = ("target_og", "target_fg")
REPEATED = "in_another_source"


class Source(NamedTuple):
    """What a source contributed."""

    name: str
    read: int
    """Recipes read."""
    repeated: int
    """Recipes left out, because a source named before has the beer."""
    differing: int
    """Those of them that state another IBU."""


@dataclass(frozen=True)
class Merged:
    """The recipes of all sources."""

    dataset: RecipeDataset
    sources: tuple[Source, ...]

    def step(self, others: int) -> CleaningStep:
        """Return what merging dropped as a step for the manifest.

        Args:
            others: Rows besides the recipes.
        """
        repeated = sum(source.repeated for source in self.sources)
        read = sum(source.read for source in self.sources) + others
        return CleaningStep(
            rule=REPEATED,
            description="a source named before has the beer",
            action="dropped",
            rows_before=read,
            rows_affected=repeated,
            rows_after=read - repeated,
        )


class _Beer(NamedTuple):
    name: str
    bill: tuple[Hashable, ...]
    figures: tuple[float | None, ...]
    ibu: float | None

    def same_as(self, other: "_Beer") -> bool:
        """Whether two beers with equal gravities and alcohol are one.

        Neither name nor hop bill contradicts that, and one of them, or else all vital figures, says so.
        """
        agreed = []
        for mine, its in (self.name, other.name), (self.bill, other.bill):
            if mine and its and mine != its:
                return False
            agreed.append(bool(mine and its))
        return any(agreed) or self.figures == other.figures


def merge(datasets: Sequence[RecipeDataset]) -> Merged:
    """Merge sources; of a beer that several have, the recipe of the source named first counts.

    Beers of one source are not compared with each other: cleaning does that by their ids, and groups keep related ones
    together. A single source stays as it is. Otherwise ids are prefixed by the source's number, as two sources may use
    the same ones.

    Args:
        datasets: The sources, the one that counts most first.
    """
    if len(datasets) == 1:
        (only,) = datasets
        source = Source(only.source, len(only.recipes), 0, 0)
        return Merged(only, (source,))
    kept: list[Recipe] = []
    sources = []
    known: dict[Hashable, list[_Beer]] = {}
    for place, dataset in enumerate(datasets, 1):
        repeated, differing, new = 0, 0, []
        for recipe in dataset.recipes:
            key, beer = _beer(recipe)
            same = next((one for one in known.get(key, ()) if key is not None and beer.same_as(one)), None)
            if same is None:
                new.append((key, beer))
                kept.append(_numbered(recipe, place))
            else:
                repeated += 1
                differing += beer.ibu is not None and beer.ibu != same.ibu
        for key, beer in new:
            if beer.ibu is not None:  # an unlabelled recipe does not stand in the way of a labelled one
                known.setdefault(key, []).append(beer)
        sources.append(Source(dataset.source, len(dataset.recipes), repeated, differing))
    name, recipes = " + ".join(source.name for source in sources), tuple(kept)
    return Merged(RecipeDataset(name, digest(recipes), recipes), tuple(sources))


def _beer(recipe: Recipe) -> tuple[Hashable, _Beer]:
    """Return what equal beers have equal, None if too little is known, and the rest of the beer."""
    figures = dict(zip(names(VITAL_INPUTS), _figures(recipe), strict=True))
    gravities = tuple(figures[name] for name in GRAVITIES)
    name = recipe.get("name")
    beer = _Beer(
        " ".join(name.casefold().split()) if isinstance(name, str) else "",
        bill_key(recipe),
        tuple(figures.values()),
        number(recipe.get("ibu")),
    )
    return (None if None in gravities else (figures["abv"], *gravities)), beer


def _figures(recipe: Recipe) -> Iterator[float | None]:
    """Yield the vital figures, gravities as points."""
    for name in names(VITAL_INPUTS):
        value = number(recipe.get(name))
        if value is not None and name in GRAVITIES and value < 10:
            value *= POINTS_PER_SG
        yield None if value is None else round(value, 3)  # 1.053 * 1000 is not 1053


def _numbered(recipe: Recipe, place: int) -> Recipe:
    own = recipe.get("id")
    return recipe if own is None else cast(Recipe, {**recipe, "id": f"{place}:{own}"})
