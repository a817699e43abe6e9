"""The model card of a model described by a `Spec`: the manifest's figures as tables and text."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.bundle.manifest import Manifest
from training.card import card, provenance, table
from training.limits import own_limits
from training.spec import KnownData, Spec, known_data


def spec_card(manifest: Manifest, spec: Spec, groups: int) -> str:
    """Build the card. It says nothing of other data than those of the run.

    Args:
        manifest: The bundle's manifest; every figure comes from it.
        spec: The model, with the texts specific to it.
        groups: Number of groups of related beers trained on.
    """
    values: dict[str, Any] = dict(manifest.metrics.values)
    known, prose = known_data(spec, manifest.training_data.sha256), spec.prose
    features: Any = manifest.parameters["features"]
    unused = [fault for name, fault in prose.unused.items() if name not in features]
    faults = [*own_limits(manifest, groups), *(known.faults if known else ()), *unused, *prose.faults]
    return card(
        manifest,
        {
            "Intended use": f"{prose.use} {known.use if known else 'For beers like those it was trained on.'}",
            "Not for": f"{prose.misuse} {known.misuse if known else ''}".rstrip(),
            "Data": f"{_data(manifest)}\n\n{provenance(manifest.training_data)} {known.data if known else ''}".rstrip(),
            "How it was measured": f"{manifest.metrics.protocol}\n\n{_choice(manifest)}",
            "Figures": _figures(values, known),
            "By bitterness": band_table(values["bands"]),
            **{f"By {name}": kind_table(found) for name, found in values["kinds"].items()},
            "What is not told": missing_table(values["missing"]),
            **({"Unseen beers": known.unseen} if known else {}),
            "Known faults": "\n".join(f"- {fault}" for fault in faults),
            "Files": prose.files,
        },
    )


def baseline_table(values: dict[str, Any]) -> str:
    """Build the table of model and baselines on the same folds, with the paired differences.

    Args:
        values: The manifest's metrics.
    """
    rows = []
    for name, figures in [*values["baselines"].items(), ("**this model**", values)]:
        gap = values["paired"].get(name)
        rows.append(
            [
                name,
                f"{figures['mae']:.2f} ± {figures['mae_sd']:.2f}",
                f"{figures['rmse']:.2f} ± {figures['rmse_sd']:.2f}",
                f"{figures['median_ae']:.1f}",
                f"{figures['r2']:.2f}",
                f"{figures['within_10']:.0%}",
                f"{gap['mae_difference']:+.2f} ({gap['low']:+.2f} to {gap['high']:+.2f})" if gap else "",
            ]
        )
    head = ["", "MAE", "RMSE", "median AE", "R2", "within 10 IBU", "this model's MAE minus its (95 %)"]
    return table(head, rows)


def better_baselines(values: Mapping[str, Any]) -> list[str]:
    """List the baselines whose MAE is smaller than the model's, with the whole 95 % interval of the difference.

    Args:
        values: The manifest's metrics.
    """
    return [_gap(name, gap) for name, gap in values["paired"].items() if gap["low"] > 0]


def baseline_sentence(values: Mapping[str, Any]) -> str:
    """Say which baselines the model is better than, which are better, and which may be either.

    Args:
        values: The manifest's metrics.
    """
    beaten = [name for name, gap in values["paired"].items() if gap["high"] < 0]
    open_ = [_gap(name, gap) for name, gap in values["paired"].items() if gap["low"] <= 0 <= gap["high"]]
    better = better_baselines(values)
    parts = [
        (better, "**A baseline is better than this model**, with the whole 95 % interval of the difference: "),
        (beaten, "This model is better than these baselines, with the whole 95 % interval of the difference: "),
        (open_, "The data do not show whether this model or the baseline is better: "),
    ]
    return " ".join(f"{words}{'; '.join(names)}." for names, words in parts if names)


def _gap(name: str, gap: Mapping[str, float]) -> str:
    return f"{name} (MAE {gap['mae_difference']:+.2f} IBU, {gap['low']:+.2f} to {gap['high']:+.2f})"


def ablation_table(figures: dict[str, dict[str, float]]) -> str:
    """Build the table of a model's variants on the same folds.

    Args:
        figures: From `training.ablation.ablate`.
    """
    rows = [
        [
            name,
            f"{values['mae']:.2f} ± {values['mae_sd']:.2f}",
            f"{values['rmse']:.2f}",
            f"{values['median_ae']:.1f}",
            f"{values['r2']:.2f}",
            f"{values['within_10']:.0%}",
        ]
        for name, values in figures.items()
    ]
    return table(["", "MAE", "RMSE", "median AE", "R2", "within 10 IBU"], rows)


def interval_sentence(values: dict[str, Any]) -> str:
    """State coverage and width in words.

    Args:
        values: The manifest's metrics.
    """
    low, high = values["coverage_range"]["low"], values["coverage_range"]["high"]
    return (
        f"The interval holds {values['coverage']:.1%} of held-out beers (± {values['coverage_sd']:.1%} over "
        f"repeats; {low:.0%} to {high:.0%} with 95 % confidence, groups resampled) at a mean width of "
        f"{values['width']:.1f} IBU; of the top fifth "
        f"{values['coverage_top_fifth']:.1%}."
    )


def _figures(values: dict[str, Any], known: KnownData | None) -> str:
    leaking = values.get("leaking_rowwise_rmse_below_1000_ibu")
    parts = [
        baseline_table(values),
        baseline_sentence(values),
        interval_sentence(values),
        *_further(values),
        *_withheld(values),
    ]
    if known and leaking:
        parts.append(
            "LEAKING, only for comparison with older figures: row-wise 5-fold RMSE on labels below 1000 IBU, "
            f"related beers on both sides: this model {leaking['model']:.2f}, "
            + ", ".join(f"{name} {figure:.2f}" for name, figure in leaking.items() if name != "model")
            + f"; the historical figure is {known.older_rmse:g}."
        )
    return "\n\n".join(parts)


def _further(values: dict[str, Any]) -> list[str]:
    found = [
        f"that of {float(coverage):.0%} holds {figures['coverage']:.1%} at {figures['width']:.1f} IBU (interval score "
        f"{figures['interval_score']:.1f})"
        for coverage, figures in values.get("further_intervals", {}).items()
    ]
    return (
        [f"Its interval score is {values['interval_score']:.1f}. Further intervals: {'; '.join(found)}."]
        if found
        else []
    )


def _withheld(values: dict[str, Any]) -> list[str]:
    return [
        f"Where {name} are not told, the same models' MAE on the same beers is {figures['mae']:.2f} ± "
        f"{figures['mae_sd']:.2f}, coverage {figures['coverage']:.1%}, width {figures['width']:.1f} IBU."
        for name, figures in values["not_told"].items()
    ]


def band_table(bands: Sequence[Mapping[str, float]]) -> str:
    """Build the table of figures by band of the label.

    Args:
        bands: From `training.metrics.bands`.
    """
    rows = [[f"{band['from']:g}-{band['to']:g}", *_part(band)] for band in bands]
    return table(["IBU stated", *_PART], rows)


def kind_table(kinds: Sequence[Mapping[str, Any]]) -> str:
    """Build the table of figures by kind of beer.

    Args:
        kinds: From `training.metrics.by_kind`.
    """
    return table(["", *_PART], [[found["kind"], *_part(found)] for found in kinds])


_PART = ("beers", "MAE", "bias", "coverage", "width", "interval score")


def _part(figures: Mapping[str, Any]) -> list[str]:
    return [
        f"{figures['rows']:g}",
        f"{figures['mae']:.1f}",
        f"{figures['bias']:+.1f}",
        f"{figures['coverage']:.0%}",
        f"{figures['width']:.0f}",
        f"{figures['interval_score']:.0f}",
    ]


def missing_table(missing: Sequence[Mapping[str, Any]]) -> str:
    """Build the table of figures where a request leaves fields out: none, each alone, and all.

    Args:
        missing: From `training.missing.listed`.
    """
    most = max(len(found["fields"]) for found in missing)
    rows = [
        [
            ", ".join(found["fields"]) or "nothing",
            f"{found['mae']:.1f}",
            f"{found['coverage']:.0%}",
            f"{found['width']:.0f}",
            f"{found['interval_score']:.0f}",
        ]
        for found in missing
        if len(found["fields"]) in (0, 1, most)
    ]
    return table(["left out", "MAE", "coverage", "width", "interval score"], rows) + (
        "\n\nThe same models, on the same held-out beers. Without varieties, every hop has the assumed alpha acid; the "
        "manifest has all combinations (`missing`)."
    )


def _data(manifest: Manifest) -> str:
    used = manifest.training_data
    steps = [
        [step.rule, step.description, step.action, str(step.rows_affected), str(step.rows_after)]
        for step in used.cleaning
        if step.rows_affected
    ]
    text = f"`{used.source}`, SHA-256 `{used.sha256}`: {used.rows_read} beers read, {used.rows_used} used."
    return text + "\n\n" + table(["rule", "", "rows", "number", "left"], steps) if steps else text


def _choice(manifest: Manifest) -> str:
    chosen: Any = manifest.parameters.get("chosen", {})
    if "by" not in chosen:
        return "The parameters were fixed beforehand."
    if "nested" not in chosen:
        return "The parameters were chosen on other data, not on these; `python -m training select` chooses them anew."
    return (
        f"The parameters were chosen by `{chosen['by']}` on other folds; nested, the choice included, the MAE is "
        f"{chosen['nested']['mae']:.2f} ± {chosen['nested']['mae_sd']:.2f}."
    )
