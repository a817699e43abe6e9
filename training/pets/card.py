"""The model card of a picture model: the manifest's figures in words."""

from collections.abc import Mapping
from typing import Any

from app.bundle.manifest import Manifest
from training.card import table

CREDIT = """\
The photos are of the Oxford-IIIT Pet dataset (Parkhi, Vedaldi, Zisserman and Jawahar: Cats and Dogs, CVPR 2012), shared
under CC BY-SA 4.0; the copyright of each photo remains with whoever took it. None of them is in this bundle."""


def card(manifest: Manifest, prose: Mapping[str, str]) -> str:
    """The card as Markdown.

    Args:
        manifest: The bundle's manifest; every figure comes from it.
        prose: What the figures cannot say: ``use``, ``misuse``, ``data``, ``faults``.
    """
    values: dict[str, Any] = dict(manifest.metrics.values)
    parts = [
        f"# {manifest.name} {manifest.version}\n\n{manifest.description}",
        f"## Intended use\n\n{prose['use']}",
        f"## Not for\n\n{prose['misuse']}",
        f"## Data\n\n{prose['data']}\n\n{CREDIT}",
        f"## How it was measured\n\n{manifest.metrics.protocol}",
        f"## Figures\n\n{accuracy_table(values['sets'])}",
        f"## By class\n\n{_confusion(values['sets'])}",
        f"## Photos made worse\n\n{trials_table(values['trials'])}",
        f"## Calibration\n\n{_calibration(values)}",
        f"## By breed\n\n{_breeds(values['sets'])}",
        f"## Known faults\n\n{prose['faults']}",
    ]
    return "\n\n".join(parts) + "\n"


def accuracy_table(sets: Mapping[str, Any]) -> str:
    """Accuracy and calibration error of each set of photos, as Markdown.

    Args:
        sets: The manifest's figures of each.
    """
    return table(
        ["", "photos", "accuracy", "calibration error"],
        [
            [
                name,
                str(found["photos"]),
                f"{found['accuracy']:.1%} ± {found['accuracy_se']:.1%}",
                f"{found['calibration_error']:.3f}",
            ]
            for name, found in sets.items()
        ],
    )


def trials_table(trials: Mapping[str, float]) -> str:
    """Accuracy on photos made worse, as Markdown.

    Args:
        trials: Accuracy by what was done to them.
    """
    return table(["the same photos", "accuracy"], [[name, f"{found:.1%}"] for name, found in trials.items()])


def _confusion(sets: Mapping[str, Any]) -> str:
    return table(
        ["", "is", "told cat", "told dog"],
        [
            [name, kind, str(told["cat"]), str(told["dog"])]
            for name, found in sets.items()
            for kind, told in found["confusion"].items()
        ],
    )


def _calibration(values: Mapping[str, Any]) -> str:
    name, points = next(iter(values["reliability"].items()))
    whole = values["calibration"]
    said = (
        f"Over {whole['photos']} photos ({name}) the expected calibration error, in ten bins, is "
        f"**{whole['error']:.3f}**. So few photos would show {whole['error_of_chance']:.3f} in the mean if every "
        "confidence were exactly right.\n\n![reliability](reliability.png)\n\n"
    )
    return said + table(
        ["confidence", "right", "photos"],
        [[f"{point['confidence']:.2f}", f"{point['accuracy']:.2f}", str(point["photos"])] for point in points],
    )


def _breeds(sets: Mapping[str, Any]) -> str:
    return table(
        ["breed", "kind", "set", "right"],
        [
            [breed.replace("_", " "), of["kind"], name, f"{of['right']} of {of['photos']}"]
            for name, found in sets.items()
            for breed, of in found["breeds"].items()
        ],
    )
