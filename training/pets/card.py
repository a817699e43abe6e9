"""The model card of ``cat-dog``: the manifest's figures as tables and text."""

from collections.abc import Mapping
from typing import Any

from app.bundle.manifest import Manifest
from training.card import card, provenance, table

CREDITS = {
    "19cffd500e0eb9b67996982305fc9e8a873e9aad25c2820c56e7a0fbede8be0d": """\
The photos are of the Oxford-IIIT Pet dataset (Parkhi, Vedaldi, Zisserman and Jawahar: Cats and Dogs, CVPR 2012), shared
under CC BY-SA 4.0; the copyright of each photo remains with whoever took it. None of them is in this bundle. Most of
the cats are of three breeds, most of the dogs of four."""
}
"""What is known of the committed model's photos, by digest."""


def cat_dog_card(manifest: Manifest, prose: Mapping[str, str]) -> str:
    """Build the card.

    Args:
        manifest: The bundle's manifest; every figure comes from it.
        prose: The texts ``use``, ``misuse``, ``data`` and ``faults``.
    """
    values: dict[str, Any] = dict(manifest.metrics.values)
    used = manifest.training_data
    return card(
        manifest,
        {
            "Intended use": prose["use"],
            "Not for": prose["misuse"],
            "Data": f"{prose['data']}\n\n{CREDITS.get(used.sha256) or provenance(used)}",
            "How it was measured": manifest.metrics.protocol,
            "Figures": accuracy_table(values["sets"]),
            "By class": _confusion(values["sets"]),
            "Photos made worse": corruption_table(values["trials"]),
            **({"Neither": _neither(values["neither"])} if "neither" in values else {}),
            "Calibration": _calibration(values),
            "By breed": _breeds(values["sets"]),
            "Known faults": prose["faults"],
        },
    )


def accuracy_table(sets: Mapping[str, Any]) -> str:
    """Build the table of accuracy and calibration error by set of photos.

    Args:
        sets: The manifest's figures by set.
    """
    return table(
        ["", "photos", "accuracy", "calibration error"],
        [
            [
                name,
                str(figures["photos"]),
                f"{figures['accuracy']:.1%} ± {figures['accuracy_se']:.1%}",
                f"{figures['calibration_error']:.3f}",
            ]
            for name, figures in sets.items()
        ],
    )


def corruption_table(accuracy: Mapping[str, float]) -> str:
    """Build the table of accuracy on corrupted photos.

    Args:
        accuracy: Accuracy by corruption.
    """
    return table(["the same photos", "accuracy"], [[name, f"{value:.1%}"] for name, value in accuracy.items()])


def _confusion(sets: Mapping[str, Any]) -> str:
    return table(
        ["", "is", "told cat", "told dog"],
        [
            [name, kind, str(counts["cat"]), str(counts["dog"])]
            for name, figures in sets.items()
            for kind, counts in figures["confusion"].items()
        ],
    )


def _neither(figures: Mapping[str, Any]) -> str:
    alarms = table(
        ["photos of cats and dogs", "photos", "warned of", "share"],
        [
            [name, str(found["pictures"]), str(found["flagged"]), f"{found['share']:.1%} ± {found['share_se']:.1%}"]
            for name, found in figures["false_alarms"].items()
        ],
    )
    worse = table(
        ["held-out photos made worse", "warned of"],
        [[name, f"{share:.1%}"] for name, share in figures["false_alarms_made_worse"].items()],
    )
    told = table(
        ["pictures of neither", "pictures", "warned of", "share", "AUROC"],
        [
            [name, str(found["pictures"]), str(found["flagged"]), f"{found['share']:.0%}", f"{found['auroc']:.3f}"]
            for name, found in figures["told"].items()
        ],
    )
    return (
        f"The service warns `neither` where the output `mass` is below {figures['threshold']}. False alarms:\n\n"
        f"{alarms}\n\n{worse}\n\nWhat is told, of pictures that the detector was not fitted to:\n\n{told}"
    )


def _calibration(values: Mapping[str, Any]) -> str:
    name, points = next(iter(values["reliability"].items()))
    whole = values["calibration"]
    text = (
        f"Over {whole['photos']} photos ({name}) the expected calibration error, in ten bins, is "
        f"**{whole['error']:.3f}**. So few photos would show {whole['error_of_chance']:.3f} in the mean if every "
        "confidence were exactly right.\n\n![reliability](reliability.png)\n\n"
    )
    return text + table(
        ["confidence", "right", "photos"],
        [[f"{point['confidence']:.2f}", f"{point['accuracy']:.2f}", str(point["photos"])] for point in points],
    )


def _breeds(sets: Mapping[str, Any]) -> str:
    return table(
        ["breed", "kind", "set", "right"],
        [
            [breed.replace("_", " "), hits["kind"], name, f"{hits['right']} of {hits['photos']}"]
            for name, figures in sets.items()
            for breed, hits in figures["breeds"].items()
        ],
    )
