"""The report about a candidate, ``report.md`` in its bundle: data, comparison, plots, and the next command."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.bundle.manifest import Input, Manifest
from app.bundle.store import Bundle
from app.domains.validation import sanitize
from training.arrays import Array
from training.card import table
from training.metrics import BANDS
from training.refresh import plots
from training.refresh.contest import MIN_FRESH_GROUPS, Contest, Known, Match, answers
from training.refresh.labels import LabelRows
from training.refresh.merge import Source
from training.refresh.recent import Recent
from training.spec import Spec, named
from training.spec_trainer import SpecRun
from training.trained_on import TrainedOn

REPORT = "report.md"
_PREDICTIONS, _DIFFERENCES, _INPUTS = "report-predictions.png", "report-differences.png", "report-inputs.png"
_PANELS = 6
"""Inputs that are plotted."""
_NAME_LENGTH = 80
_FOLDS, _FRESH = "the same folds", "fresh beers"


@dataclass(frozen=True)
class Facts:
    """The facts that the report states."""

    spec: Spec
    about: Manifest
    active: Bundle
    known: Known
    sources: tuple[Source, ...]
    labels: LabelRows
    aside: LabelRows
    recent: Recent | None
    run: SpecRun
    contest: Contest
    forced: bool

    @property
    def is_written(self) -> bool:
        """Whether the version is written."""
        return self.forced or not self.contest.reasons

    @property
    def name(self) -> str:
        """Name and version of the candidate."""
        return f"{self.about.name} {self.about.version}"

    @property
    def active_name(self) -> str:
        """Name and version of the active version."""
        return f"{self.active.manifest.name} {self.active.manifest.version}"

    @property
    def matches(self) -> dict[str, Match]:
        """The comparisons that took place."""
        found = {_FOLDS: self.contest.folds, _FRESH: self.contest.fresh}
        return {name: match for name, match in found.items() if match}


def page_files(facts: Facts) -> dict[str, bytes]:
    """Return the report and its plots by file name."""
    data = facts.run.data.rows
    predicted = _predicted(facts).mean(axis=0)[:, 0]
    drawn = {_PREDICTIONS: plots.errors(data.labels, predicted, ~facts.known.seen)}
    if facts.matches:
        drawn[_DIFFERENCES] = plots.differences(facts.matches)
    panels = _panels(facts)
    if panels:
        drawn[_INPUTS] = plots.inputs(panels)
    return {REPORT: page(facts, drawn).encode(), **{name: plots.png(figure) for name, figure in drawn.items()}}


def page(facts: Facts, drawn: Collection[str]) -> str:
    """Build the report in Markdown.

    Args:
        facts: What it is about.
        drawn: Names of the plots.
    """
    sections = {
        "Data": _data(facts),
        f"Candidate and {facts.active_name}": _comparison(facts) + _picture(_DIFFERENCES, "Differences", drawn),
        "By bitterness": _bands(facts) + _picture(_PREDICTIONS, "Predictions and labels", drawn),
        "Inputs": _inputs(facts) + _picture(_INPUTS, "Inputs in both training sets and in recent requests", drawn),
        "What remains unknown": "\n".join(f"- {line}" for line in _unknown(facts)),
        "Next": (
            "Run it beside the active version, which stays active:"
            if facts.is_written
            else "No version was written. To write it anyway, run the same command with `--force`; then:"
        ),
    }
    parts = [f"# {facts.name}: retrained", verdict(facts)]
    parts += [f"## {title}\n\n{text.strip()}" for title, text in sections.items() if text]
    next_command = f"`python -m app models shadow {facts.about.name} {facts.about.version}`"
    return "\n\n".join([*parts, next_command]) + "\n"


def verdict(facts: Facts) -> str:
    """Say whether the candidate is no worse, and why."""
    reasons = facts.contest.reasons
    if not reasons:
        return f"**No worse than {facts.active_name}.** {_summary(facts.contest)}"
    forced = " It was written anyway (`--force`)." if facts.forced else ""
    return f"**Not shown to be as good as {facts.active_name}:** {'; '.join(reasons)}.{forced}"


def _summary(contest: Contest) -> str:
    found = {"the same folds": contest.folds, "fresh beers": contest.fresh if contest.fresh_counts else None}
    parts = []
    for name, match in found.items():
        if match:
            before, after = match.active.summary(), match.candidate.summary()
            parts.append(
                f"On {name} the MAE goes from {before['mae']:.2f} to {after['mae']:.2f} IBU, the coverage from "
                f"{before['coverage']:.3f} to {after['coverage']:.3f}."
            )
    return " ".join(parts)


def _data(facts: Facts) -> str:
    rows, labels = facts.run.data.rows, facts.labels
    sources = [
        [sanitize(source.name, _NAME_LENGTH), str(source.read), str(source.repeated), str(source.differing)]
        for source in facts.sources
    ]
    parts = [table(["source", "recipes", "in a source before it", "of these with another IBU"], sources)]
    if labels.read:
        parts.append(f"Labels: {labels.read} received, {len(labels.ibu)} used for training, each as one beer.")
    steps = [step for step in facts.about.training_data.cleaning if step.rows_affected]
    dropped = [step for step in steps if step.action == "dropped"]
    if dropped:
        rows_left = [[step.rule, str(step.rows_affected), str(step.rows_after)] for step in dropped]
        parts.append(table(["dropped because of", "rows", "left"], rows_left))
    changed = [f"{step.rule} {step.rows_affected}" for step in steps if step.action == "changed"]
    if changed:
        parts.append(f"Changed by cleaning: {', '.join(changed)}. The manifest describes each rule.")
    before = facts.active.manifest.training_data.rows_used
    parts.append(
        f"Used: {len(rows.labels)} beers in {len(np.unique(rows.groups))} groups of related ones; "
        f"{facts.active_name} was trained on {before}."
    )
    return "\n\n".join(parts)


def _comparison(facts: Facts) -> str:
    rows = []
    for name, match in facts.matches.items():
        for side in (match.active, match.candidate):
            found = side.summary()
            version = facts.active_name if side is match.active else "candidate"
            figures = [f"{found['mae']:.2f}", f"{found['coverage']:.3f}", f"{found['interval_score']:.1f}"]
            rows.append([f"{name}, n = {len(match.labels)} in {match.number_of_groups} groups", version, *figures])
    parts = [table(["beers", "version", "MAE", "coverage", "interval score"], rows)] if rows else []
    if rows:
        parts.append(f"Candidate minus {facts.active_name}, paired by beer:\n\n{_gaps(facts.matches)}")
        parts.append(
            f"A smaller coverage is worse only if it is also below the promised {facts.contest.promised:g}, by more "
            "than the tolerance or significantly."
        )
    aside = _aside(facts)
    return "\n\n".join([*parts, *([aside] if aside else [])])


def _gaps(matches: Mapping[str, Match]) -> str:
    rows = []
    for beers, match in matches.items():
        found = match.found
        lines = {"MAE": (found.mae, 2), "coverage": (found.covered, 3), "interval score": (found.score, 2)}
        for name, (gap, places) in lines.items():
            rows.append(
                [
                    beers,
                    name,
                    f"{gap.difference:+.{places}f}",
                    f"{gap.low:+.{places}f} to {gap.high:+.{places}f}",
                    f"{gap.tolerance:.{places}f}" if np.isfinite(gap.tolerance) else "significance only",
                    "worse" if name in found.faults else "no worse",
                ]
            )
    return table(["beers", "", "difference", "95 %, groups resampled", "tolerance", ""], rows)


def _aside(facts: Facts) -> str:
    """Figures on labels that are not trained on, of beers that neither version saw."""
    aside, listed = facts.aside, facts.known.listed
    if not len(aside.ibu):
        return ""
    kind = aside.kinds[0]
    own = TrainedOn.of(facts.spec, facts.run.data.rows).relates(facts.spec, aside.inputs)
    new = ~own & ~listed.relates(facts.spec, aside.inputs) if listed else np.zeros(len(aside.ibu), bool)
    text = f"{len(aside.ibu)} labels are {kind} and not used for training: a {kind} bitterness is another quantity."
    if not new.any():
        return f"{text} None of them is of a beer that is known to be missing from the training of both versions."
    labels, rows = aside.ibu[new], aside.inputs[new]
    found = {
        facts.active_name: answers(facts.spec, facts.active, rows),
        "candidate": facts.run.model.predict(rows),
    }
    figures = [
        [
            name,
            f"{np.abs(predicted[:, 0] - labels).mean():.2f}",
            f"{(predicted[:, 0] - labels).mean():+.2f}",
            f"{((predicted[:, 1] <= labels) & (labels <= predicted[:, 2])).mean():.3f}",
        ]
        for name, predicted in found.items()
    ]
    return (
        f"{text} On the {len(labels)} of them whose beers are in neither training, for information only:\n\n"
        + table(["version", "MAE", "mean of predicted - label", "coverage"], figures)
    )


def _bands(facts: Facts) -> str:
    """MAE and coverage of both versions by band of the label, on the same folds or else on fresh beers."""
    match = facts.contest.folds or facts.contest.fresh
    if match is None:
        return ""
    band = np.clip(np.searchsorted(BANDS, match.labels, side="right") - 1, 0, len(BANDS) - 2)
    rows = []
    for index, (low, high) in enumerate(zip(BANDS[:-1], BANDS[1:], strict=True)):
        held = band == index
        if held.any():
            sides = [side.figures.where(held) for side in (match.active, match.candidate)]
            figures = [f"{side.off.mean():.1f}" for side in sides] + [f"{1 - side.missed.mean():.2f}" for side in sides]
            rows.append([f"{low:g}-{high:g}", str(int(held.sum())), *figures])
    head = ["IBU", "beers", "MAE, active", "MAE, candidate", "coverage, active", "coverage, candidate"]
    return f"On {_FOLDS if match is facts.contest.folds else _FRESH}:\n\n{table(head, rows)}"


def _inputs(facts: Facts) -> str:
    """Say how many of the recorded rows are outside the ranges trained on, before and now."""
    recent = facts.recent
    if recent is None:
        return ""
    if not len(recent.inputs):
        return f"The records have no rows of {facts.about.name}."
    outside = [_outside(facts, about.inputs) for about in (facts.active.manifest, facts.about)]
    return (
        f"Of {len(recent.inputs)} recorded rows {outside[0]:.1%} have an input outside the range that "
        f"{facts.active_name} was trained on, and {outside[1]:.1%} one outside the candidate's."
    )


def _outside(facts: Facts, declared: Sequence[Input]) -> float:
    columns = named(facts.spec, facts.recent.inputs) if facts.recent else {}
    found = np.zeros(len(facts.recent.inputs) if facts.recent else 0, bool)
    for column in declared:
        if column.trained_range and column.name in columns:
            low, high = column.trained_range
            found |= (columns[column.name] < low) | (columns[column.name] > high)
    return float(found.mean())


def _panels(facts: Facts) -> list[plots.Panel]:
    """The inputs that changed most, by the distance of medians in ranges of the active version's middle 80 %."""
    before = {column.name: column for column in facts.active.manifest.inputs}
    recent = named(facts.spec, facts.recent.inputs) if facts.recent else {}
    found: list[tuple[float, plots.Panel]] = []
    for name, values in named(facts.spec, facts.run.data.rows.inputs).items():
        old, now = _declared(before.get(name)), _quantiles(values)
        if old is None or now is None:
            continue
        late = _quantiles(recent[name]) if name in recent else None
        shown = {"active": old, "candidate": now, **({} if late is None else {"recent": late})}
        span = max(float(old[9] - old[1]), 1e-6)
        moved = max(abs(float(quantiles[5] - old[5])) for quantiles in shown.values()) / span
        unit = before[name].unit
        found.append((moved, plots.Panel(f"{name}{f', {unit}' if unit else ''}", shown)))
    found.sort(key=lambda each: -each[0])
    return [panel for _, panel in found[:_PANELS]]


def _declared(column: Input | None) -> Array | None:
    if column is None or column.trained_range is None or column.deciles is None:
        return None
    low, high = column.trained_range
    return np.array([low, *column.deciles, high], np.float32)


def _quantiles(values: Array) -> Array | None:
    known = values[~np.isnan(values)]
    return np.quantile(known, np.linspace(0, 1, 11)).astype(np.float32) if len(known) else None


def _unknown(facts: Facts) -> Iterator[str]:
    """Say what the comparison leaves open."""
    contest, known = facts.contest, facts.known
    yield f"Which beers {facts.active_name} was trained on: {known.source}."
    if known.share < 1:
        yield f"{known.share:.0%} of its beers are among the available rows."
    if contest.folds is None:
        yield f"There is no comparison on the same folds: {contest.why_no_folds}."
    elif known.share < 1:
        yield "On the same folds it was trained without the others, so it may be better than stated here."
    if contest.fresh is None:
        yield "No available beer is known to be missing from its training, so there are no fresh beers."
    elif not contest.fresh_counts:
        yield (
            f"The fresh beers are in {contest.fresh.number_of_groups} groups. With fewer than {MIN_FRESH_GROUPS} they "
            "do not count."
        )
    yield "The labels are what brewers state. Whether a laboratory would confirm them is not known here."


def _predicted(facts: Facts) -> Array:
    return facts.run.figures.evaluation.predicted


def _picture(name: str, text: str, drawn: Collection[str]) -> str:
    return f"\n\n![{text}]({name})" if name in drawn else ""
