"""The platform without a cloud: any S3-compatible store, and two commands in place of stream and deliveries.

    raw/day=2026-11-27/beers-2026-11-27T16-00-00.123Z-1f2e3d4c.gz           a poll's beers, as they came
    cleaned/day=2026-11-27/beers-2026-11-27T16-00-00.123Z-1f2e3d4c.gz       the clean ones
    undelivered/cleaned/day=2026-11-27/beers-...                            what is no beer, with the reasons
    results/cleaned/day=2026-11-27/beers-....predictions.jsonl              the answers

The names are those of serverless.yml, so the same tables and the same training read them. Each file depends only on
the one before it and is written as a whole, so a command that was killed continues with the files that are missing.
"""

import base64
import gzip
import io
import logging
import re
import secrets
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic_core import to_json

from app.errors import ObjectRejected
from app.object_store import ObjectStore
from app.platform.answering import RESULTS, FileAnswers, answered_name
from app.platform.stream import Record
from app.platform.transformation import transform

RAW, CLEANED, UNDELIVERED = "raw/", "cleaned/", "undelivered/cleaned/"
MAX_FILE_BYTES = 16_000_000
"""Size of a file of raw beers, uncompressed, from which another one begins."""
MAX_OBJECT_BYTES = 64_000_000
"""Maximum size of a raw file that is read, compressed."""
MAX_TEXT_BYTES = 64_000_000
"""Maximum size of a raw file that is read, decompressed."""
_GZIP = "application/gzip"
_TIME = re.compile(r"/beers-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})Z-[^/]*$")
_log = logging.getLogger(__name__)


@dataclass
class Cleaned:
    """What became of the records of raw files."""

    files: int = 0
    clean: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By rule."""
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""
    unreadable: int = 0
    """Raw files that are skipped, because they are too large, damaged or not compressed with gzip."""


class RawFiles:
    """Writes the beers of a poll as files under ``raw/``."""

    def __init__(self, store: ObjectStore) -> None:
        """Initialize with the bucket.

        Args:
            store: The bucket.
        """
        self._store = store

    def put(self, records: Iterable[Record]) -> None:
        """Write records, one a line.

        Raises:
            ObjectsError: If the store fails.
        """
        lines = bytearray()
        for record in records:
            lines += record.data + b"\n"
            if len(lines) >= MAX_FILE_BYTES:
                self._write(lines)
                lines = bytearray()
        if lines:
            self._write(lines)

    def _write(self, lines: bytearray) -> None:
        now = datetime.now(UTC)
        time = f"{now:%Y-%m-%dT%H-%M-%S}.{now.microsecond // 1000:03d}Z"
        key = f"{RAW}day={now:%Y-%m-%d}/beers-{time}-{secrets.token_hex(4)}.gz"
        self._store.write(key, gzip.compress(lines, mtime=0), _GZIP)


def clean_new(store: ObjectStore, label_required: bool = True) -> Cleaned:
    """Clean each raw file that has no clean one yet. One that cannot be read is logged, and does not stop the others.

    Args:
        store: The bucket.
        label_required: See `app.domains.beer.cleaning.clean`.

    Raises:
        ObjectsError: If the store fails.
    """
    counts = Cleaned()
    done = {key for key, _ in store.objects(CLEANED.rstrip("/"))}
    for key in sorted(key for key, _ in store.objects(RAW.rstrip("/"))):
        name = key.removeprefix(RAW)
        if CLEANED + name in done:
            continue
        try:
            data = store.read(key, MAX_OBJECT_BYTES)
            text = None if data is None else _text(data, f"s3://{store.bucket}/{key}")
        except ObjectRejected as error:
            counts.unreadable += 1
            _log.error("put aside: %s", error)
            continue
        if text is not None:
            _clean_file(store, name, text, counts, label_required)
    return counts


def _clean_file(store: ObjectStore, name: str, text: bytes, counts: Cleaned, label_required: bool) -> None:
    received = received_of(RAW + name)
    clean, failed = bytearray(), bytearray()
    dropped_by, failed_by = Counter[str](), Counter[str]()
    for line in filter(None, (line.rstrip(b"\n") for line in io.BytesIO(text))):
        outcome = transform(line, received, label_required)
        if outcome.kind == "clean":
            clean += outcome.line
        elif outcome.kind == "dropped":
            dropped_by[outcome.reason] += 1
        else:
            failed_by[outcome.reason] += 1
            failed += to_json({"errorMessage": outcome.reason, "rawData": base64.b64encode(line).decode()}) + b"\n"
    if failed:
        store.write(UNDELIVERED + name, gzip.compress(failed, mtime=0), _GZIP)
    store.write(CLEANED + name, gzip.compress(clean, mtime=0), _GZIP)
    counts.files += 1
    counts.clean += clean.count(b"\n")
    counts.dropped += dropped_by
    counts.failed += failed_by


def _text(data: bytes, name: str) -> bytes:
    try:
        if not data:
            raise EOFError
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(MAX_TEXT_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise ObjectRejected(f"{name}: is not compressed with gzip, or is damaged") from None
    if len(text) > MAX_TEXT_BYTES:
        raise ObjectRejected(f"{name}: is larger than {MAX_TEXT_BYTES} bytes")
    return text


def received_of(key: str) -> str | None:
    """Return when the beers of a raw file came, as RFC 3339, from its name; None if the name does not say it."""
    match = _TIME.search(key)
    return f"{match[1]}T{match[2]}:{match[3]}:{match[4]}Z" if match else None


def answer_new(store: ObjectStore, answers: FileAnswers) -> tuple[int, int]:
    """Answer each clean file that has no results yet.

    A damaged one is deleted, so that the next `clean_new` makes it again: a simple store that is killed while it writes
    keeps the part that it has.

    Args:
        store: The bucket.
        answers: Answers files.

    Returns:
        The numbers of files that were answered and of files that cannot be read.

    Raises:
        ObjectsError: If the store fails.
    """
    done = {key for key, _ in store.objects(RESULTS.rstrip("/"))}
    answered = unreadable = 0
    for key in sorted(key for key, _ in store.objects(CLEANED.rstrip("/"))):
        if answered_name(key) in done:
            continue
        try:
            if _is_damaged(store, key):
                unreadable += 1
                _log.error("s3://%s/%s: is damaged, and cleaned again", store.bucket, key)
                store.delete(key)
                continue
            answers.answer(store, key, lambda: 3600.0)
        except ObjectRejected as error:
            unreadable += 1
            _log.error("put aside: %s", error)
        else:
            answered += 1
    return answered, unreadable


def _is_damaged(store: ObjectStore, key: str) -> bool:
    """Whether an object is not the whole of a file that `clean_new` wrote, and can write again."""
    if not key.endswith(".gz") or store.describe(RAW + key.removeprefix(CLEANED)) is None:
        return False
    data = store.read(key, MAX_OBJECT_BYTES)
    if data is None:
        return False
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while file.read(1 << 20):
                pass
    except (OSError, EOFError, zlib.error):
        return True
    return not data
