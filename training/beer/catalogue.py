"""The beer models by bundle name."""

from training.beer.recipe import RECIPE
from training.beer.style import STYLE
from training.beer.vitals import VITALS
from training.spec import Spec

SPECS: dict[str, Spec] = {spec.name: spec for spec in (VITALS, STYLE, RECIPE)}
