"""Run recorded inputs through a version of a model, and compare its outputs with the recorded ones or another version.

FILES are files or folders of records, patterns, or s3://bucket/prefix; see docs/records.md. The exit code is 1 if a
difference is larger than --max-difference.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from app.cli.output import write_line
from app.cli.progress import Progress

if TYPE_CHECKING:
    from app.records.reading import Record
    from app.records.replay import Differences, Replayer

EXIT_BEYOND = 1
"""Exit code if a difference is larger than the bound."""
_ROWS = 4096
"""Number of records that are held at a time."""


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``replay``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser("replay", help="run recorded inputs through a version of a model", description=__doc__)
    parser.add_argument("files", metavar="FILES", nargs="+", help="file, folder, pattern or s3://bucket/prefix")
    parser.add_argument("--model", metavar="NAME", required=True, help="name of the model")
    parser.add_argument("--version", metavar="V", required=True, help="version that the inputs run through")
    parser.add_argument(
        "--against", metavar="V", help="version to compare with (default: the recorded outputs, of any version)"
    )
    parser.add_argument(
        "--max-difference",
        metavar="X",
        type=_bound,
        help="largest difference of the first output, in its unit; 0: outputs must be equal",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.set_defaults(run=_replay)


def _bound(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("must be a number of at least 0")
    return value


def _replay(arguments: argparse.Namespace) -> None:
    from app.cli.bundles import check_version, model_settings, root_of  # with the model, half a second
    from app.errors import RecordsError
    from app.records.files import find_files
    from app.records.reading import KIND, Tally, records_of
    from app.records.replay import Differences, Replayer
    from app.runtime.onnx import OnnxPredictor

    settings, name = model_settings(), arguments.model
    root = root_of(settings, name)

    def opened(version: str) -> Replayer:
        return Replayer(OnnxPredictor(check_version(settings, root, name, version)))

    sources = find_files(arguments.files, KIND, settings.s3_endpoint)
    replayer = opened(arguments.version)
    other = opened(arguments.against) if arguments.against else None
    names = [each for each in replayer.names if other is None or each in other.names]
    if not names:
        raise RecordsError(f"versions {arguments.version} and {arguments.against} have no output in common")
    unit = next((each.unit for each in replayer.manifest.outputs if each.name == names[0]), "")
    differences = Differences(names, unit, arguments.max_difference)
    tally = Tally()
    chosen = _Chosen(records_of(sources, tally), name, [each for each in (replayer, other) if each])
    progress = Progress(sum(source.size for source in sources) // 1000, "kB of records")
    records = iter(chosen)
    while batch := list(islice(records, _ROWS)):
        _compare(batch, replayer, other, differences)
        progress.show(tally.bytes // 1000)
    progress.clear()
    if not chosen.versions:
        raise RecordsError(f"none of {tally.records} records is of {name}, with the inputs of the version")
    report = {
        "model": name,
        "version": arguments.version,
        "against": arguments.against or "records",
        "records": sum(chosen.versions.values()),
        "recorded_versions": dict(sorted(chosen.versions.items())),
        "records_of_other_models": chosen.other_models,
        "records_that_lack_inputs": chosen.unfit,
        "lines_skipped": tally.skipped,
        "max_difference": arguments.max_difference,
        **differences.as_json,
    }
    for line in [json.dumps(report, indent=2)] if arguments.json else _text(report, unit):
        write_line(line)
    if differences.is_beyond:
        raise SystemExit(EXIT_BEYOND)


class _Chosen:
    """The records of a model that have the inputs of every version, and the numbers of the others."""

    def __init__(self, records: "Iterator[Record]", model: str, replayers: "Sequence[Replayer]") -> None:
        self.versions: dict[str, int] = {}
        """Number of chosen records by the version that was recorded."""
        self.other_models = self.unfit = 0
        self._records = records
        self._model = model
        self._replayers = replayers

    def __iter__(self) -> "Iterator[Record]":
        for record in self._records:
            if record.model != self._model:
                self.other_models += 1
            elif not all(replayer.fits(record) for replayer in self._replayers):
                self.unfit += 1
            else:
                self.versions[record.version] = self.versions.get(record.version, 0) + 1
                yield record


def _compare(
    records: "Sequence[Record]", replayer: "Replayer", other: "Replayer | None", differences: "Differences"
) -> None:
    """Add the differences of a version from another one, or from what was recorded."""
    from app.records.replay import recorded_outputs

    names = differences.names
    given = replayer.outputs(records)[:, [replayer.names.index(each) for each in names]]
    if other is None:
        reference = recorded_outputs(records, names)
    else:
        reference = other.outputs(records)[:, [other.names.index(each) for each in names]]
    differences.add(records, reference, given)


def _text(report: dict[str, Any], unit: str) -> Iterator[str]:
    versions = ", ".join(f"{rows} of version {version}" for version, rows in report["recorded_versions"].items())
    against = report["against"]
    reference = "what was recorded" if against == "records" else f"version {against}"
    yield f"{report['model']}: version {report['version']} against {reference}"
    yield f"records: {report['records']} ({versions})"
    left_out = {
        "of other models": report["records_of_other_models"],
        "that lack inputs": report["records_that_lack_inputs"],
        "that cannot be read": report["lines_skipped"],
    }
    if any(left_out.values()):
        yield "left out: " + ", ".join(f"{rows} {what}" for what, rows in left_out.items() if rows)
    yield f"equal to the bit in every output: {report['rows_equal_to_the_bit']} of {report['records']}"
    if report["rows_without_a_number"]:
        yield f"without a number: {report['rows_without_a_number']}"
    is_bounded = report["max_difference"] is not None
    beyond = f"  beyond {report['max_difference']:g}" if is_bounded else ""
    yield f"{report['output'] + (f' ({unit})' if unit else ''):<14}    rows    mean  mean size  largest{beyond}"
    for band in [*report.get("bands", ()), {**report, "from": None, "to": None, "is_all": True}]:
        tail = f"{band['rows_beyond']:>{len(beyond)}}" if is_bounded else ""
        yield (
            f"{_band(band):<14}{band['rows']:>8}{band['mean_difference']:>+8.3g}"
            f"{band['mean_absolute_difference']:>11.3g}{band['largest_difference']:>9.3g}{tail}"
        )
    for each in report["largest"]:
        yield (
            f"request {each['request_id']}, row {each['row']}: "
            f"{each['reference']:.4g} -> {each['given']:.4g} {unit}".rstrip()
        )


def _band(band: dict[str, Any]) -> str:
    if band.get("is_all"):
        return "all"
    if band["from"] is None:
        return f"below {band['to']:g}"
    return f"{band['from']:g} and more" if band["to"] is None else f"{band['from']:g} to {band['to']:g}"
