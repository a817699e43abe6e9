"""Ablation: variants of a model, measured on the reported folds."""

from training.evaluate import EvaluationProtocol, reported_folds, run_tasks
from training.held_out import FoldTask, predict_held_out
from training.metrics import errors, over_repeats
from training.spec import Baseline, Data, Parameters, Spec


def ablate(spec: Spec, data: Data, protocol: EvaluationProtocol) -> dict[str, dict[str, float]]:
    """Measure the spec's baselines and variants. Nothing is chosen by these figures.

    Args:
        spec: The model.
        data: All rows.
        protocol: Folds, repeats, seed, processes.

    Returns:
        Figures by variant, mean and ``_sd`` over repeats.
    """
    variants: dict[str, Parameters | Baseline] = {**spec.baselines, **spec.ablation}
    folds = reported_folds(data.groups, protocol)
    tasks = [FoldTask(spec, variant, data, fold, protocol.seed) for variant in variants.values() for fold in folds]
    results = iter(list(run_tasks(predict_held_out, tasks, protocol.workers, f"{spec.name}: ablating")))
    figures = {}
    for name in variants:
        predicted = [next(results) for _ in folds]
        figures[name] = over_repeats(lambda r, p=predicted: errors(data.labels, p[r]), len(folds))  # type: ignore[misc]
    return figures
