"""The commands that score finished bundles: ``evaluate`` and ``compare``."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.bundle.store import Bundle, read_bundle
from training.beer.catalogue import SPECS
from training.card import table
from training.commands import command, dataset_of, log, read_data
from training.comparison import Comparison, Tolerances
from training.errors import DataError
from training.scoring import BundleScore, compare, labelled, score
from training.sources import RecipeDataset
from training.spec import Spec
from training.spec_card import band_table

_WORDS = {
    "mae": "MAE, IBU",
    "rmse": "RMSE, IBU",
    "median_ae": "median AE, IBU",
    "r2": "R2",
    "within_10": "within 10 IBU",
    "coverage": "coverage",
    "coverage_top_fifth": "coverage, top fifth",
    "width": "mean width, IBU",
    "interval_score": "interval score, IBU",
}


def evaluate_bundle(arguments: Sequence[str]) -> int:
    """Score a bundle, through its ONNX graph, on labelled recipes."""
    parser = command("evaluate", evaluate_bundle)
    parser.add_argument("--bundle", type=Path, required=True, help="folder of a version, models/NAME/VERSION")
    parser.add_argument("--json", type=Path, help="file to write the figures to as well")
    options = parser.parse_args(arguments)
    (scored,) = _scored(_dataset(options, options.bundle), options.bundle)
    figures = scored.figures()
    print(evaluation_text(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def compare_bundles(arguments: Sequence[str]) -> int:
    """Compare two bundles on the same labelled recipes; exit code 1 if the second is worse.

    Three figures are compared beer by beer: the mean absolute error; the coverage of the interval; and its interval
    score (Winkler), the width plus a penalty for each beer outside. The second is worse if one of them is worse by more
    than its tolerance, or if the whole 95 % interval of the difference says so. The interval alone would miss
    differences on a small file. A smaller coverage counts only if it is also below what the first version promises, by
    more than the tolerance or significantly.
    """
    parser = command("compare", compare_bundles)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    usual = Tolerances()
    parser.add_argument("first", type=Path, help="folder of the released version")
    parser.add_argument("second", type=Path, help="folder of the candidate version")
    parser.add_argument("--tolerance", type=float, default=usual.mae, help="IBU of MAE (default: %(default)s)")
    parser.add_argument(
        "--coverage-tolerance",
        type=float,
        default=usual.coverage,
        help="share of beers by which the coverage may fall, and be below the promised one (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    first, second = _scored(_dataset(options, options.first), options.first, options.second)
    found = compare(first, second, Tolerances(options.tolerance, options.coverage_tolerance))
    rows = [
        [each.bundle, *(f"{figures[name]['value']:.3f}" for name in ("mae", "coverage", "width", "interval_score"))]
        for each in (first, second)
        for figures in [each.figures()]
    ]
    print(table(["", "MAE", "coverage", "width", "interval score"], rows))
    print(f"\n{_interval_table({each.bundle: each.figures() for each in (first, second)})}")
    print(f"\n{second.bundle} minus {first.bundle}, beer by beer, n = {len(first.labels)}:")
    print(_differences(found))
    verdict = f"WORSE: {', '.join(found.faults)}" if found.worse else "not worse"
    print(f"\n{second.bundle} is {verdict}")
    return 1 if found.worse else 0


def _differences(found: Comparison) -> str:
    """State the differences, one a line, with the tolerance of each."""
    promise = f"; {-found.short.difference:+.3f} against the promised one"
    lines = {
        "MAE": (found.mae, "IBU", ""),
        "coverage": (found.covered, "", promise),
        "interval score": (found.score, "IBU", ""),
    }
    return "\n".join(
        f"  {name}: {gap.difference:+.3f} {unit}".rstrip()
        + f" (95 % {gap.low:+.3f} to {gap.high:+.3f}; tolerance {gap.tolerance:.3g}{note})"
        + ("  WORSE" if name in found.faults else "")
        for name, (gap, unit, note) in lines.items()
    )


def evaluation_text(figures: dict[str, Any]) -> str:
    """Figures of `BundleScore.figures` as two tables."""
    rows = [
        [word, f"{figures[name]['value']:.3f}", f"{figures[name]['low']:.3f} to {figures[name]['high']:.3f}"]
        for name, word in _WORDS.items()
    ]
    return (
        f"{figures['bundle']}: n = {figures['n']} in {figures['groups']} groups\n\n"
        + table(["", "", "95 %, groups resampled"], rows)
        + "\n\n"
        + band_table(figures["bands"])
        + "\n\n"
        + _interval_table({figures["bundle"]: figures})
    )


def _interval_table(figures: Mapping[str, dict[str, Any]]) -> str:
    """Table of the calibrated intervals of bundles, by coverage.

    Args:
        figures: Figures of `BundleScore.figures` by bundle.
    """
    rows = [
        [bundle, promised, *(f"{found[name]:.3f}" for name in ("coverage", "width", "interval_score"))]
        for bundle, of_bundle in figures.items()
        for promised, found in of_bundle["intervals"].items()
    ]
    return table(["", "promised", "coverage", "width", "interval score"], rows)


def _dataset(options: argparse.Namespace, folder: Path) -> RecipeDataset:
    """The labelled recipes, with the styles of ``--styles`` if the bundle's model reads styles."""
    return dataset_of(_spec(read_bundle(folder.resolve())), read_data(options), options)


def _scored(dataset: RecipeDataset, *folders: Path) -> list[BundleScore]:
    """Score bundles on the beers that all of them can predict."""
    bundles = [read_bundle(folder.resolve()) for folder in folders]
    specs = [_spec(bundle) for bundle in bundles]
    frame = labelled(dataset, specs)
    log(f"{dataset.source}: {len(dataset.recipes)} beers read, {len(frame)} used")
    found = [score(bundle, spec, dataset, frame) for bundle, spec in zip(bundles, specs, strict=True)]
    for each in found:
        if each.seen:
            log(f"WARNING: {each.bundle} was trained on {dataset.source}: its figures are too good")
    return found


def _spec(bundle: Bundle) -> Spec:
    if bundle.manifest.name not in SPECS:
        raise DataError(f"{bundle.manifest.name}: unknown model")
    return SPECS[bundle.manifest.name]
