"""Text of the recipe model's card."""

from training.spec import Prose

PROSE = Prose(
    use="A beer's bitterness from its vital figures and its hop bill, with an interval that says how far "
    "off it may be: for recipes under way, before anything is brewed. Malts and yeast may be left out. "
    "The answer is what this brewery would state; the service also gives what brewing software shows (Tinseth's "
    "formula) and what a laboratory might measure (the chemistry of the boil), as estimates.",
    misuse="Not for labels, law or laboratory: it measures nothing. Not for single-hop dosing: between two similar "
    "bills the difference is below its error. Not for hop products of the cold side (cryo powder, isomerised extract "
    "after fermentation). Not outside the trained ranges, which the manifest gives; the service warns there.",
    faults=(
        "Where the data do not state the alpha acid of a hop, it is the variety's typical figure from a table; a crop "
        "may be a third off.",
        "Amounts enter per litre of finished beer; the size and vigour of the boil do not.",
        "By construction, more hops in the kettle, more alpha acid or a longer boil never lower the answer, gravity "
        "and dry hops do not move it, it has no leaps, and without hops it is 0. The ends of the interval move with "
        "it.",
        "A gram more or less counts most in the mildest beers: the curve is steepest at the first grams.",
        "Without malts, trees that know only colour and pH take the place of the others.",
    ),
    files="`model.onnx` is served: the whole function, interval included. `model.ubj` is the same trees in "
    "XGBoost's format; `parameters` in `manifest.json` says how the answer is made of them. `trained_on.txt` has "
    "digests of the beers trained on, by which a later run knows them.",
    booster="one XGBoost booster over the features, with margins on the scale of roots: centre, lower and upper "
    "quantile, and the centre without malts. The answer's root is r + m min(r / 3, 1), where r = height sqrt(log(1 + x "
    "/ half)), x is iso_alpha, the sum over the kettle, and m is the centre's margin, within -3 and 3. With a for that "
    "root, the root of the lower bound is a (1 + shift s ** 1.25 / 7), where s is half the distance of the quantiles, "
    "and at least least_spread; that of the upper bound is a + shift 2.5 (1 + min(a / 3, 1)) / 2 sqrt(7 / max(a, 3))",
)
