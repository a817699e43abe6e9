"""The report of the command ``python -m app drift``."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.drift.assessment import CHECKS, ERROR, MIN_RECIPES, Figure
from app.drift.samples import Sample

_HEADS = ("", "name", "recipes", "training -> now", "PSI", "noise", "p")


def lines_of(samples: Sequence[Sample], figures: Sequence[Figure]) -> list[str]:
    """Return the report as lines of text: a table for each version, the most suspicious variables first.

    Args:
        samples: What was looked at.
        figures: What was found about it.
    """
    lines: list[str] = []
    for sample in samples:
        own = [one for one in figures if (one.model, one.version) == (sample.model, sample.version)]
        lines += [f"{sample.model} {sample.version}: {sample.rows} rows that count as {sample.recipes} recipes"]
        if sample.recipes < MIN_RECIPES:
            lines += [f"  fewer than {MIN_RECIPES} recipes: nothing is tested"]
        lines += _table(
            [_HEADS, *map(_cells, sorted(own, key=lambda one: (not one.is_alarm, one.p, -one.comparison.psi)))]
        )
        lines += [""]
    alarms = [one for one in figures if one.is_alarm]
    lines += [f"ALARM: {one.variable.name} of {one.model} {one.version}: {one.moved}" for one in alarms]
    if not alarms:
        lines.append("No drift." if any(one.is_tested for one in figures) else "Nothing was tested.")
    return lines


def as_json(
    samples: Sequence[Sample], figures: Sequence[Figure], left_out: Mapping[tuple[str, str], int]
) -> dict[str, Any]:
    """Return the report to be written as JSON.

    Args:
        samples: What was looked at.
        figures: What was found about it.
        left_out: Number of rows of versions without a bundle.
    """
    return {
        "error": ERROR,
        "checks": CHECKS,
        "samples": [
            {"model": one.model, "version": one.version, "rows": one.rows, "recipes": one.recipes} for one in samples
        ],
        "figures": [one.as_json() for one in figures],
        "left_out": [{"model": model, "version": version, "rows": rows} for (model, version), rows in left_out.items()],
        "alarm": any(one.is_alarm for one in figures),
    }


def _cells(figure: Figure) -> tuple[str, ...]:
    found = figure.comparison
    return (
        "ALARM" if figure.is_alarm else "",
        figure.variable.name if figure.variable.kind == "input" else f"answer {figure.variable.name}",
        str(figure.count.rows),
        figure.moved,
        f"{found.psi:.2f}",
        f"{found.noise:.2f}",
        f"{figure.p:.2g}" if figure.is_tested else "-",
    )


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
