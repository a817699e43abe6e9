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
        "More hops in the kettle never lower the answer nor its interval, by constraint; dry hops may "
        "move it either way. A beer without hops gets 8 IBU at most.",
        "The interval has the same width for all beers on the scale of square roots, so it is wider "
        "for bitter beers, and not narrower where a bill is plain.",
    ),
    files="`model.onnx` is served: the whole function, interval included. `model.ubj` is the same trees in "
    "XGBoost's format; `parameters` in `manifest.json` says how the answer is made of them.",
    booster="one XGBoost booster over the features; its margin is the root of the IBU: negative ones count "
    "0, it is squared, and held below the kettle's alpha acids (mg/l) + 1 a gram of dry hops per "
    "litre + 8; then lower and upper are moved by their shift on the scale of roots",
)
