"""Text of the recipe model's card."""

from training.spec import Prose

PROSE = Prose(
    use="A beer's bitterness from its vital figures and its hop bill, with an interval that says how far "
    "off it may be: for recipes under way, before anything is brewed. Malts and yeast may be left out; "
    "the answer is better with them.",
    misuse="Not for labels, law or laboratory: it measures nothing, and it was taught figures that nobody "
    "measured. Not for single-hop dosing: between two similar bills the difference is below its "
    "error. Not for hop products of the cold side (cryo powder, isomerised extract after "
    "fermentation). Not outside the trained ranges, which the manifest gives; the service warns "
    "there.",
    data="Recipes of BrewDog's DIY DOG catalogue in the shape of the Punk API (github alxiw/punkapi, MIT "
    "licence): one brewery, 20 l batches. The labels are calculated IBU, not measured ones, and "
    "mostly multiples of 5. Alpha acids are the variety's typical figure from a table, for the data "
    "hardly ever tell the batch's.",
    faults="- The labels are calculated by a rule that nobody published, mostly in multiples of 5: a good "
    "part of the error is theirs.\n"
    "- It shrinks to the middle: bitter beers are given too low, mild ones too high (bias by band).\n"
    "- Alpha acids come from a table; a crop may be a third off.\n"
    "- Malts and yeast stand for the style, which the labels follow: without them the figure is "
    "worse, as said above.\n"
    "- All batches are 20 l with 25 l boiled: how the boil's size and vigour matter, it could not "
    "learn. Amounts enter per litre.\n"
    "- More hops in the kettle never lower the answer nor its interval, by constraint; dry hops may "
    "move it either way. A beer without hops gets 8 IBU at most.\n"
    "- The interval has the same width for all beers on the scale of square roots, so it is wider "
    "for bitter beers, and not narrower where a bill is plain.",
    files="`model.onnx` is served: the whole function, interval included. `model.ubj` is the same trees in "
    "XGBoost's format; `parameters` in `manifest.json` says how the answer is made of them.",
    booster="one XGBoost booster over the features; its margin is the root of the IBU: negative ones count "
    "0, it is squared, and held below the kettle's alpha acids (mg/l) + 1 a gram of dry hops per "
    "litre + 8; then lower and upper are moved by their shift on the scale of roots",
)
