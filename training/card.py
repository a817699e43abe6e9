"""Model cards in Markdown."""

import re
from collections.abc import Mapping, Sequence

from app.bundle.manifest import Manifest, TrainingData

_FIGURE = re.compile(r"[-+]?\d+(\.\d+)?%?($|[ ±(])|$")


def card(manifest: Manifest, sections: Mapping[str, str], summary: str = "") -> str:
    """Build a model card.

    Args:
        manifest: The bundle's manifest.
        sections: Texts by title, in order.
        summary: Follows the manifest's description.
    """
    parts = [
        f"# {manifest.name} {manifest.version}",
        f"{manifest.description} {summary}".rstrip(),
        *(f"## {title}\n\n{text}" for title, text in sections.items()),
    ]
    return "\n\n".join(parts) + "\n"


def provenance(data: TrainingData) -> str:
    """Say where the training data come from and under which licence, or that nobody stated it.

    Args:
        data: The manifest's part on them.
    """
    origin = f"Source: {data.origin}." if data.origin else "Where these data come from was not stated (`--source`)."
    licence = f"Licence: {data.licence}." if data.licence else "Their licence was not stated (`--licence`)."
    return f"{origin} {licence}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Build a table; columns of figures are aligned to the right.

    Args:
        header: Names of the columns.
        rows: Cells.
    """
    figures = [all(_FIGURE.match(row[index]) for row in rows) for index in range(len(header))]
    rule = ["---:" if right else "---" for right in figures]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rule, *rows))
