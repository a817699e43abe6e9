"""The small network from photos to a bundle: lessons, learning, temperature, figures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.domains.pets.pixels import Pixels
from training.errors import DataError
from training.pets.bundle import PROBABILITIES, Made
from training.pets.calibration import Numbers, calibration_error, crossed, error_of_chance, temperature
from training.pets.graph import TOLERANCE, check_parity, graph_bytes, logits_of
from training.pets.judge import by_trial, figures, labels_of, reliability, seen
from training.pets.learn import Course, Learner, targets
from training.pets.lessons import Guide, Plan, lessons
from training.pets.network import DEPTHS, EMBEDDING, STEM, WIDTHS
from training.pets.photos import HELD_OUT_BREEDS, TESTED, TUNED, Photo, of_part
from training.pets.running import OUTPUT, run_graph
from training.pets.trials import TRIALS

LIBRARIES = ("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "torch")
PROTOCOL = (
    f"Photos that share a source file stay together. {TESTED:.0%} of them, chosen by the digest of the source, are "
    f"held out; {TUNED:.0%} more were looked at while the network learnt, to choose how; of six breeds "
    f"({', '.join(HELD_OUT_BREEDS)}) none is learnt from. The temperature is fitted to the first two sets together; "
    "their confidence here is with the temperature of the other four fifths of them. Pictures are as the service "
    "prepares them."
)
PROSE = {
    "use": "Telling a cat from a dog in a photo that shows one of the two: sorting an album, showing how a picture "
    "model is served. It is small enough for the repository; `docs/pets.md` has a larger and better one.",
    "misuse": "Anything that hangs on the answer. It knows nothing but cats and dogs and gives one of the two for "
    "whatever it is shown; it does not find animals, count them, or know one from another; no person and no "
    "animal should be treated according to what it says.",
    "faults": "Photos unlike those it learnt from, of small, hidden or many animals, of breeds it has not seen, by "
    "night or from odd angles, are told apart worse than the figures above say; confidence is too high on "
    "such. Most of the cats it has seen are of three breeds, most of the dogs of four.",
}


class Taught(NamedTuple):
    """What a run does beside the defaults."""

    plan: Plan
    course: Course
    state: Path
    """Folder of what is kept until the bundle is written: an interrupted run goes on from there."""


def teach(photos: Sequence[Photo], guide: Guide, told: Taught, say: Callable[[str], None]) -> Made:
    """Train, calibrate, measure and export.

    Args:
        photos: All photos.
        guide: Who says what is seen in them beside the labels.
        told: How.
        say: Told of each step.

    Returns:
        What the bundle is made of.

    Raises:
        DataError: A part has too few photos to learn from or to measure with.
        ExportError: The graph is not what the network is.
    """
    learnt, tuned, tested = (of_part(photos, part) for part in ("train", "tune", "test"))
    for name, part in (("learn from", learnt), ("choose by", tuned), ("measure with", tested)):
        if len({photo.label for photo in part}) < 2:
            raise DataError(f"too few photos to {name}: of {len(photos)}, {len(part)} fall to it")
    seen_before = lessons(learnt, told.plan, guide, told.state, say)
    learner = Learner(seen_before, targets(seen_before), told.course)
    learner.learn(lambda epoch, loss: say(f"epoch {epoch} of {told.course.epochs}: loss {loss:.3f}"))
    network, size = learner.kept.eval(), told.plan.size
    unlearnt = [*tested, *tuned]
    logits = logits_of(network, seen(unlearnt, size)).astype(np.float64)
    heat = temperature(logits, labels_of(unlearnt))
    graph = graph_bytes(network, size, heat)
    apart = check_parity(network, graph, seen(tuned, size), heat)
    say(f"temperature {heat:.2f}; graph and network at most {apart:.1e} apart")
    values = _values(graph, size, photos, crossed(logits, labels_of(unlearnt)))
    return Made(
        graph,
        size,
        "Cat or dog, from a photo: a small residual network"
        + (" that learnt from a larger one." if guide.sha256 else "."),
        (PROBABILITIES,),
        TOLERANCE,
        PROTOCOL,
        {**values, "weights": network.weights},
        _parameters(told, guide, heat),
        LIBRARIES,
        {**PROSE, "data": _data(photos, guide)},
    )


def _values(graph: bytes, size: int, photos: Sequence[Photo], unlearnt: Numbers) -> dict[str, Any]:
    def answer(pictures: Pixels) -> Numbers:
        return run_graph(graph, pictures)[OUTPUT].astype(np.float64)

    tested, tuned, strange = (of_part(photos, part) for part in ("test", "tune", "breeds"))
    answers = {"held-out photos": (unlearnt[: len(tested)], tested), "looked at": (unlearnt[len(tested) :], tuned)}
    if strange:
        answers["held-out breeds"] = (answer(seen(strange, size)), strange)
    both = [*tested, *tuned]
    return {
        "sets": {name: figures(found, part) for name, (found, part) in answers.items()},
        "trials": by_trial(answer, tested, size),
        "calibration": {
            "photos": len(both),
            "error": calibration_error(unlearnt, labels_of(both)),
            "error_of_chance": error_of_chance(unlearnt),
        },
        "reliability": {"held out and looked at": reliability(unlearnt, both)},
    }


def _parameters(told: Taught, guide: Guide, heat: float) -> dict[str, Any]:
    return {
        "network": {"stem": STEM, "widths": list(WIDTHS), "depths": list(DEPTHS), "embedding": EMBEDDING},
        "course": told.course._asdict(),
        "plan": told.plan._asdict(),
        "temperature": round(heat, 4),
        "teacher": guide.sha256 or None,
        "trials": list(TRIALS),
    }


def _data(photos: Sequence[Photo], guide: Guide) -> str:
    counts = {part: len(of_part(photos, part)) for part in ("train", "tune", "test", "breeds")}
    text = (
        f"{len(photos)} photos: {counts['train']} to learn from, {counts['tune']} looked at, {counts['test']} "
        f"held out, {counts['breeds']} of held-out breeds."
    )
    if guide.sha256:
        text += (
            " Of each photo that is learnt from, views drawn at random were shown to a pretrained network, "
            f"SHA-256 `{guide.sha256}`, whose features and logits were learnt beside the labels; none of its "
            "weights is in this bundle."
        )
    return text
