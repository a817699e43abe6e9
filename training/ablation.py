"""What each part of a model is worth: variants on the very folds that its figures are reported on."""

from training.evaluate import EvaluationProtocol, in_order, reported_folds
from training.held_out import Dealt, held_out
from training.metrics import errors, over_repeats
from training.spec import Baseline, Data, Parameters, Spec


def ablate(spec: Spec, data: Data, protocol: EvaluationProtocol) -> dict[str, dict[str, float]]:
    """Errors of the spec's baselines and variants; nothing is chosen by them.

    Args:
        spec: The model.
        data: All rows.
        protocol: Folds, repeats, seed, processes.

    Returns:
        For each variant its figures, mean and ``_sd`` over repeats.
    """
    variants: dict[str, Parameters | Baseline] = {**spec.baselines, **spec.ablation}
    folds = reported_folds(data.groups, protocol)
    tasks = [Dealt(spec, variant, data, fold, protocol.seed) for variant in variants.values() for fold in folds]
    results = iter(list(in_order(held_out, tasks, protocol.workers, f"{spec.name}: ablating")))
    found = {}
    for name in variants:
        predicted = [next(results) for _ in folds]
        found[name] = over_repeats(lambda r, p=predicted: errors(data.labels, p[r]), len(folds))  # type: ignore[misc]
    return found
