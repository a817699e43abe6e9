"""The model card: the manifest's figures in words that a brewer can read."""

import re
from typing import Any

from app.bundle.manifest import Manifest
from training.spec import Prose

_FIGURE = re.compile(r"[-+]?\d+(\.\d+)?%?($|[ ±(])|$")


def card(manifest: Manifest, about: Prose) -> str:
    """The card as Markdown.

    Args:
        manifest: The bundle's manifest; every figure comes from it.
        about: What the figures cannot say.
    """
    values: dict[str, Any] = dict(manifest.metrics.values)
    parts = [
        f"# {manifest.name} {manifest.version}\n\n{manifest.description}",
        f"## Intended use\n\n{about.use}",
        f"## Not for\n\n{about.misuse}",
        f"## Data\n\n{_data(manifest)}\n\n{about.data}",
        f"## How it was measured\n\n{manifest.metrics.protocol}\n\n{_choice(manifest)}",
        f"## Figures\n\n{_figures(values)}",
        f"## By bitterness\n\n{_bands(values)}",
        f"## Known faults\n\n{about.faults}",
        f"## Files\n\n{about.files}",
    ]
    return "\n\n".join(parts) + "\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, columns of figures to the right.

    Args:
        head: Names of the columns.
        rows: Cells.
    """
    figures = [all(_FIGURE.match(row[place]) for row in rows) for place in range(len(head))]
    rule = ["---:" if right else "---" for right in figures]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def baseline_table(values: dict[str, Any]) -> str:
    """Model and baselines on the same folds, with the paired difference.

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


def ablation_table(figures: dict[str, dict[str, float]]) -> str:
    """Variants of a model on the same folds.

    Args:
        figures: From `training.ablation.ablate`.
    """
    rows = [
        [
            name,
            f"{each['mae']:.2f} ± {each['mae_sd']:.2f}",
            f"{each['rmse']:.2f}",
            f"{each['median_ae']:.1f}",
            f"{each['r2']:.2f}",
            f"{each['within_10']:.0%}",
        ]
        for name, each in figures.items()
    ]
    return table(["", "MAE", "RMSE", "median AE", "R2", "within 10 IBU"], rows)


def interval_sentence(values: dict[str, Any]) -> str:
    """Coverage and width in words.

    Args:
        values: The manifest's metrics.
    """
    return (
        f"The interval holds {values['coverage']:.1%} of held-out beers (± {values['coverage_sd']:.1%} over "
        f"repeats) at a mean width of {values['width']:.1f} IBU; of the top fifth "
        f"{values['coverage_top_fifth']:.1%}."
    )


def _figures(values: dict[str, Any]) -> str:
    leaking = values["leaking_rowwise_rmse_below_1000_ibu"]
    return (
        f"{baseline_table(values)}\n\n"
        f"{interval_sentence(values)}\n\n"
        f"{_not_told(values)}"
        "LEAKING, only for comparison with older figures: row-wise 5-fold RMSE on labels below 1000 IBU, "
        f"related beers on both sides: this model {leaking['model']:.2f}, "
        + ", ".join(f"{name} {figure:.2f}" for name, figure in leaking.items() if name != "model")
        + "; the historical figure is 33.54."
    )


def _not_told(values: dict[str, Any]) -> str:
    return "".join(
        f"Where {name} are not told, the same models' MAE on the same beers is {figures['mae']:.2f} ± "
        f"{figures['mae_sd']:.2f}, coverage {figures['coverage']:.1%}, width {figures['width']:.1f} IBU.\n\n"
        for name, figures in values["not_told"].items()
    )


def _bands(values: dict[str, Any]) -> str:
    rows = [
        [
            f"{band['from']:g}-{band['to']:g}",
            f"{band['rows']:g}",
            f"{band['mae']:.1f}",
            f"{band['bias']:+.1f}",
            f"{band['coverage']:.0%}",
            f"{band['width']:.0f}",
        ]
        for band in values["bands"]
    ]
    return table(["IBU stated", "beers", "MAE", "bias", "coverage", "width"], rows)


def _data(manifest: Manifest) -> str:
    used = manifest.training_data
    steps = [
        [step.rule, step.description, step.action, str(step.rows_affected), str(step.rows_after)]
        for step in used.cleaning
        if step.rows_affected
    ]
    return f"`{used.source}`, SHA-256 `{used.sha256}`: {used.rows_read} beers read, {used.rows_used} used.\n\n" + table(
        ["rule", "", "rows", "number", "left"], steps
    )


def _choice(manifest: Manifest) -> str:
    chosen: Any = manifest.parameters.get("chosen", {})
    if "nested" not in chosen:
        return "The parameters were fixed beforehand."
    return (
        f"The parameters were chosen by `{chosen['by']}` on other folds; nested, the choice included, the MAE is "
        f"{chosen['nested']['mae']:.2f} ± {chosen['nested']['mae_sd']:.2f}."
    )
