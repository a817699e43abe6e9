"""What is known of the recipes that the committed models were trained on; a card says it only of a run on them."""

from training.spec import KnownData

_SHA256 = "d7052db73a88ffd9d826771a02708a15f4f73c693f3587365bd250b09bec2487"
_ORIGIN = "recipes of BrewDog's DIY DOG catalogue in the shape of the Punk API (github.com/alxiw/punkapi)"
_LICENCE = "MIT"
_BATCHES = "One brewery, 20 l batches. The labels are calculated IBU, not measured ones, and mostly multiples of 5."
OLDER_RMSE = 33.54
"""RMSE of an older model on these recipes, on row-wise folds, labels below 1000 IBU."""

VITALS_DATA = KnownData(
    sha256=_SHA256,
    origin=_ORIGIN,
    licence=_LICENCE,
    use="For beers like those of the training data: ales, lagers and stouts of one craft brewery.",
    misuse="",
    data=_BATCHES,
    faults=(
        "The error is about as large as the difference between two neighbouring beer styles: see the table.",
        "With colour among the features the held-out error was larger.",
    ),
    older_rmse=OLDER_RMSE,
)

RECIPE_DATA = KnownData(
    sha256=_SHA256,
    origin=_ORIGIN,
    licence=_LICENCE,
    use="For beers like those of the training data, of one craft brewery.",
    misuse="It was taught figures that nobody measured.",
    data=f"{_BATCHES} Alpha acids are the variety's typical figure from a table, for the data hardly ever tell the "
    "batch's.",
    faults=(
        "The labels are calculated by a rule that nobody published, mostly in multiples of 5: a good part of the error "
        "is theirs.",
        "Malts and yeast stand for the style, which the labels follow: without them the answer is worse, as said "
        "above.",
        "All batches are 20 l with 25 l boiled: how the boil's size and vigour matter, it could not learn.",
    ),
    older_rmse=OLDER_RMSE,
)
