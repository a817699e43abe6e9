"""Predict the rows of files of any size, without a server. What is done already is not done again.

SOURCE is a file, a folder, a pattern, or s3://bucket/prefix, of Parquet, CSV, JSON, JSON lines, BeerXML or BeerJSON,
plain or compressed with gzip or zstd. The exit code is 1 if a source could not be read. docs/score.md has the columns.
"""

import argparse
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NoReturn

from app.cli.output import write_line
from app.cli.progress import Progress
from app.errors import ScoringError
from app.settings import load_model_settings, log_deprecated_names

if TYPE_CHECKING:
    from app.scoring.run import Outcome

EXIT_UNREADABLE = 1
"""Exit code if a source could not be read."""
EXIT_FAILED = 2
"""Exit code if the job could not be done, or a package is missing."""
_PACKAGES = ("pyarrow", "dask", "distributed")


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``score``.

    Args:
        commands: The parser's commands; the command sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser(
        "score", help="predict the rows of files of any size, without a server", description=__doc__
    )
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="file, folder, pattern or s3://bucket/prefix")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="folder or s3://bucket/prefix of the output")
    parser.add_argument("--model", default="", help="rows are the inputs of this model (default: beers)")
    parser.add_argument("--version", dest="model_version", help="version of the model (default: the active one)")
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl"), default="parquet", help="default: %(default)s")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_count, metavar="N", help="answer in N processes of this machine, by Dask")
    where.add_argument("--scheduler", metavar="ADDRESS", help="answer on the workers of a Dask scheduler, tcp://...")
    parser.set_defaults(run=_score)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= (count := int(text[:5])) <= 1024:
        raise argparse.ArgumentTypeError("must be 1 to 1024")
    return count


def _score(arguments: argparse.Namespace) -> None:
    try:
        with _stoppable():
            outcome = _run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _PACKAGES:
            raise
        _fail(f"needs {package}, which the service does not: pip install -r requirements/scale.txt")
    except ScoringError as error:
        _fail(str(error))
    counts = outcome.counts
    what = f"{counts.answered:,} of {counts.rows:,} rows answered"
    if not outcome.is_new:
        write_line(f"Nothing new: {what} before.")
    else:
        before = f", {_counted(outcome.kept, 'part')} of them before" if outcome.kept else ""
        write_line(f"{what}{before}.")
    with suppress(OSError):  # stderr may be closed
        if counts.failed:
            print(f"{_counted(counts.failed, 'invalid row')}: {_address(arguments)}/errors", file=sys.stderr)
        if counts.unreadable:
            print(f"{_counted(counts.unreadable, 'unreadable file')}: {_address(arguments)}/errors", file=sys.stderr)
    if counts.unreadable:
        raise SystemExit(EXIT_UNREADABLE)


@contextmanager
def _stoppable() -> Iterator[None]:
    """End the process with a message, and no processes of its own left, if a signal stops it."""
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        if received:  # and closing takes too long
            _exit_after(number)
        received.append(number)
        raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # as by nohup
            signal.signal(number, stop)
    try:
        yield
    except BaseException:  # Dask raises others when it is interrupted
        if not received:
            raise
        _exit_after(received[0])


def _exit_after(number: int) -> NoReturn:
    for process in multiprocessing.active_children():
        process.kill()
    with suppress(OSError):
        print(f"score: stopped by {signal.Signals(number).name}; run the same command to continue", file=sys.stderr)
        sys.stderr.flush()
    os._exit(128 + number)  # what runs at the end of Python would wait for threads


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _address(arguments: argparse.Namespace) -> str:
    """Where the output goes, without a slash at the end.

    Raises:
        ScoringError: If it is empty, as of a variable that is not set.
    """
    if not arguments.out:
        raise ScoringError("--out: names no folder")
    return str(arguments.out).rstrip("/") or "/"


def _run(arguments: argparse.Namespace) -> "Outcome":
    import pyarrow

    from app.scoring.lock import locked
    from app.scoring.output import Output
    from app.scoring.parts import Job
    from app.scoring.run import in_this_process, run_job
    from app.scoring.scorer import Model, load_scorer
    from app.scoring.sources import find_sources

    pyarrow.enable_signal_handlers(False)  # which lose a signal that comes as a table has been read
    settings = load_model_settings()
    log_deprecated_names(settings)
    output = Output(_address(arguments), settings.s3_endpoint)
    sources = find_sources(arguments.sources, settings.s3_endpoint, output.address)
    model = Model(arguments.model, arguments.model_version)
    loaded = load_scorer(settings, model)
    job = Job(model, loaded.digests, arguments.format, output)
    if arguments.workers or arguments.scheduler:
        from app.scoring.cluster import on_cluster

        engine = on_cluster(arguments.scheduler or arguments.workers)
    else:
        engine = in_this_process(loaded)
    watch = _Watch(len(sources))
    with locked(output):
        try:
            return run_job(job, sources, loaded, engine, watch)
        finally:
            watch.clear()


class _Watch:
    """Shows how far a run is, by progress bars on a terminal."""

    def __init__(self, sources: int) -> None:
        self._bar = Progress(sources, "files looked at")
        self._done = 0

    def planned(self, sources: int) -> None:
        """See `app.scoring.run.Watch`."""
        self._bar.show(sources)

    def begin(self, rows: int) -> None:
        """See `app.scoring.run.Watch`."""
        self._bar.clear()
        self._bar = Progress(rows, "rows", with_rate=True)

    def answered(self, rows: int) -> None:
        """See `app.scoring.run.Watch`."""
        self._done += rows
        self._bar.show(self._done)

    def clear(self) -> None:
        """Remove the bar."""
        self._bar.clear()


def _fail(reason: str) -> NoReturn:
    with suppress(OSError):
        print(f"score: {reason}", file=sys.stderr)
    raise SystemExit(EXIT_FAILED)
