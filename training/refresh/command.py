"""The command ``refresh``: retrains a model, and writes the version if it is no worse than the active one."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from app.bundle.pointer import active_version
from app.bundle.store import Bundle, read_bundle, versions
from app.errors import RecordsError
from app.labels.reading import LabelTally, read_labels
from app.records.reading import Record, Tally, read_records
from training.beer.catalogue import SPECS
from training.commands import dataset_of, log, version
from training.comparison import Tolerances
from training.errors import DataError
from training.evaluate import EvaluationProtocol
from training.refresh.contest import parameters_of
from training.refresh.gather import with_labels
from training.refresh.known import known_rows
from training.refresh.labels import LabelRows, label_rows, no_labels
from training.refresh.merge import merge
from training.refresh.page import REPORT
from training.refresh.recent import Recent, recent_inputs
from training.refresh.trainer import Material, RefreshTrainer, outcome_of
from training.release import MODELS, add_provenance_options
from training.sources import read_recipes
from training.spec import Spec
from training.spec_trainer import SpecTrainer
from training.trainer import next_version, refuse_existing

NOT_WRITTEN = 3
"""Exit code when no version was written: the candidate is worse, or there is nothing new to train on."""
DEFAULT = "beer-ibu-recipe"
KINDS = {"stated": ("stated",), "measured": ("measured",), "all": ("stated", "measured")}


def refresh(arguments: Sequence[str]) -> int:
    """Retrain a model with newer data, and write the version if it is no worse than the active one.

    The new version is never active. Exit code: 0 if it was written, 3 if not, because it is worse or because there is
    nothing new to train on; 1 if data or model cannot be used, 2 for wrong arguments. The report about both versions is
    report.md in the bundle; it goes to stdout as well.
    """
    options = _parser().parse_args(arguments)
    spec = SPECS[options.name]
    active = _active(options.out, spec.name)
    if options.version:
        refuse_existing(options.out, spec.name, options.version)
    protocol = EvaluationProtocol(repeats=options.repeats, seed=options.seed, workers=options.workers)
    try:
        material = _material(spec, active, options, protocol)
    except RecordsError as error:
        raise DataError(str(error)) from None
    _say_data(material)
    if _nothing_new(spec, material) and not options.force:
        print(f"Nothing new: {spec.name} {active.manifest.version} was trained on these beers, in the same way.")
        return NOT_WRITTEN
    tolerances = Tolerances(options.tolerance, options.coverage_tolerance)
    trainer = RefreshTrainer(spec, material, protocol, tolerances, log)
    trainer.origin, trainer.licence = options.source, options.licence
    run = trainer.run()
    faults = outcome_of(run).reasons
    trainer.forced = bool(faults) and options.force
    about = trainer.manifest(run, options.version or next_version(options.out, spec.name))
    files = trainer.page(run, about)
    if options.report:
        _write(options.report, files)
    print(files[REPORT].decode(), flush=True)
    for fault in trainer.faults(run):
        log(f"WARNING: {about.name} {about.version} {fault}")
    if faults and not options.force:
        log(f"{spec.name}: NOT written: {'; '.join(faults)}. To write it anyway: --force")
        return NOT_WRITTEN
    folder = trainer.write(run, options.out, about.version)
    uri = "" if options.out.resolve() == MODELS.resolve() else f"MODEL_URI={options.out} "
    log(
        f"{folder} is written and not active: {active.manifest.version} answers. "
        f"Next: {uri}python -m app models shadow {about.name} {about.version}"
    )
    return 0


COMMAND = refresh


def _parser() -> argparse.ArgumentParser:
    usual = Tolerances()
    parser = argparse.ArgumentParser(
        prog="python -m training refresh",
        description=refresh.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Other commands: python -m training --help",
    )
    parser.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="PATH",
        help="files (JSON or CSV: docs/files.md), folders, s3:// or http(s) addresses; of a beer that several have, "
        "the one named first counts",
    )
    parser.add_argument("--labels", nargs="+", default=[], metavar="FEEDBACK", help="files or folders of labels")
    parser.add_argument(
        "--records",
        nargs="+",
        default=[],
        metavar="DIR",
        help="files or folders of records: the beers of labels that were sent with only a request id, and recent "
        "requests",
    )
    parser.add_argument("--s3-endpoint", default="", metavar="URL", help="S3-compatible store of s3:// paths")
    parser.add_argument("--kind", choices=KINDS, default="stated", help="labels to train on (default: %(default)s)")
    parser.add_argument("--name", choices=sorted(SPECS), default=DEFAULT, help="model (default: %(default)s)")
    parser.add_argument("--styles", type=Path, help="CSV with the columns id and style_id, for the style model")
    parser.add_argument("--out", type=Path, default=MODELS, help="folder of bundles (default: %(default)s)")
    parser.add_argument("--version", type=version, help="version to write (default: the next free one)")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="folder for the report, written in any case")
    parser.add_argument("--force", action="store_true", help="write the version even if it is worse or nothing is new")
    parser.add_argument(
        "--max-mae-increase",
        dest="tolerance",
        type=float,
        default=usual.mae,
        metavar="IBU",
        help="by how much the MAE on the same folds may rise (default: %(default)s)",
    )
    parser.add_argument(
        "--max-coverage-loss",
        dest="coverage_tolerance",
        type=float,
        default=usual.coverage,
        metavar="SHARE",
        help="by how much the coverage on the same folds may fall, and be below the promised one "
        "(default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of folds and samples (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=EvaluationProtocol().repeats, help="repeats of the folds (default: %(default)s)"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    add_provenance_options(parser)
    return parser


def _active(root: Path, name: str) -> Bundle:
    if not versions(root, name):
        raise DataError(f"{root / name}: no version yet; `python -m training --model {name}` trains the first one")
    version = active_version(root, name)
    if version is None:
        raise DataError(f"{root / name}: no version is active, so there is nothing to compare with")
    return read_bundle((root / name / version).resolve())


def _material(spec: Spec, active: Bundle, options: argparse.Namespace, protocol: EvaluationProtocol) -> Material:
    read = [read_recipes(location, options.s3_endpoint) for location in options.data]
    for dataset in read:
        if dataset.note:
            log(f"{dataset.source}: {dataset.note}")
    sources = [dataset_of(spec, dataset, options) for dataset in read]
    merged = merge(sources)
    cleaned = SpecTrainer(spec, merged.dataset, protocol).load()
    labels = _labels(spec, options)
    rows, trained_on = with_labels(spec, merged, cleaned, labels.of_kinds(KINDS[options.kind]))
    aside = labels.of_kinds({"stated", "measured"} - set(KINDS[options.kind]))
    known = known_rows(spec, rows.rows, sources, active)
    return Material(rows, merged, trained_on, aside, active, known, _recent(spec, options))


def _labels(spec: Spec, options: argparse.Namespace) -> LabelRows:
    if not options.labels:
        return no_labels(spec)
    tally = LabelTally()
    found = label_rows(spec, read_labels(options.labels, _records(options), tally, options.s3_endpoint))
    if tally.skipped:
        log(f"{tally.skipped} lines of labels cannot be read and are left out")
    return found


def _recent(spec: Spec, options: argparse.Namespace) -> Recent | None:
    if not options.records:
        return None
    tally = Tally()
    found = recent_inputs(spec, read_records(options.records, tally, options.s3_endpoint))
    log(f"{tally.records} records, {len(found.inputs)} of {spec.name}; {tally.skipped} lines cannot be read")
    return found


def _records(options: argparse.Namespace) -> Iterable[Record]:
    return read_records(options.records, None, options.s3_endpoint) if options.records else ()


def _say_data(material: Material) -> None:
    """Log the rows that were read, dropped by which rule, and used."""
    for source in material.merged.sources:
        log(f"{source.name}: {source.read} beers, {source.repeated} of them in a source before it")
    if material.labels.read:
        log(f"{material.labels.read} labels, {len(material.labels.ibu)} of them trained on")
    for step in material.rows.cleaning:
        if step.rows_affected:
            log(f"  {step.rule}: {step.rows_affected} {step.action}, {step.rows_after} left: {step.description}")
    rows = material.rows.rows
    log(f"{len(rows.labels)} beers in {len(np.unique(rows.groups))} groups")


def _nothing_new(spec: Spec, material: Material) -> bool:
    """Whether the active version was trained on exactly these beers, in the way in which the new one would be."""
    known, rows = material.known, material.rows.rows
    same = bool(known.trained.all()) and known.share == 1
    return same and parameters_of(spec, material.active, rows.inputs) == spec.defaults


def _write(folder: Path, files: dict[str, bytes]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror}") from None
