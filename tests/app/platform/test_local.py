"""The platform without a cloud: polled beers are cleaned and answered in a bucket, each file once."""

import gzip
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.composition.domains import load_domain
from app.domains.beer.api import BeerApi
from app.object_store import ObjectStore
from app.platform import local
from app.platform.answering import FileAnswers
from app.platform.local import RawFiles, answer_new, clean_new, received_of
from app.platform.stream import Record
from app.settings import load_model_settings
from tests.folder_store import use_folders
from tests.made_beers import Made, made_beers

MADE = [each for each in made_beers(300, seed=3) if b"\n" not in each.data]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A bucket, which is a folder."""
    use_folders(monkeypatch, tmp_path)
    return ObjectStore("beers")


@pytest.fixture(scope="module")
def answers() -> FileAnswers:
    return FileAnswers(load_domain(load_model_settings(), BeerApi))


def put(store: ObjectStore, made: list[Made]) -> None:
    RawFiles(store).put(Record(each.data, "") for each in made)


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def lines(files: dict[str, bytes], prefix: str) -> list[dict[str, Any]]:
    chosen = [data for name, data in sorted(files.items()) if name.startswith(prefix)]
    return [json.loads(line) for data in chosen for line in gzip.decompress(data).splitlines()]


def count(kind: str) -> int:
    return sum(each.kind == kind for each in MADE)


def test_every_record_is_accounted_for_and_a_second_run_does_nothing(
    store: ObjectStore, answers: FileAnswers, tmp_path: Path
) -> None:
    put(store, MADE)
    counts = clean_new(store)
    assert (counts.files, counts.clean) == (1, count("clean"))
    assert (counts.dropped.total(), counts.failed.total()) == (count("dropped"), count("failed"))
    assert answer_new(store, answers) == (1, 0)
    files = contents(tmp_path / "beers")
    assert len(lines(files, "cleaned/")) == count("clean") and len(lines(files, "undelivered/")) == count("failed")
    predictions = next(data for name, data in files.items() if name.endswith(".predictions.jsonl"))
    assert predictions.count(b"\n") == count("clean")
    (raw,) = [name for name in files if name.startswith("raw/")]
    assert {line["received"] for line in lines(files, "cleaned/")} == {received_of(raw)}
    assert (clean_new(store).files, answer_new(store, answers)) == (0, (0, 0))
    assert contents(tmp_path / "beers") == files


def test_a_run_that_was_killed_is_completed_with_the_same_bytes(
    store: ObjectStore, answers: FileAnswers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MAX_FILE_BYTES", 50_000)
    put(store, MADE)
    clean_new(store)
    answer_new(store, answers)
    before = contents(tmp_path / "beers")
    cleaned = sorted(name for name in before if name.startswith("cleaned/"))
    assert len(cleaned) > 2
    for number, name in enumerate(cleaned):  # what is written last is missing first
        lost = [f"results/{name}.predictions.jsonl"]
        lost += [f"results/{name}.errors.jsonl", name, f"undelivered/{name}"][: number % 4]
        for each in lost:
            (tmp_path / "beers" / each).unlink(missing_ok=True)
    clean_new(store)
    answer_new(store, answers)
    assert contents(tmp_path / "beers") == before


def test_without_labels_beers_are_kept_where_that_is_asked_for(store: ObjectStore) -> None:
    put(store, MADE)
    counts = clean_new(store, label_required=False)
    assert counts.clean > count("clean") and "no_label" not in counts.dropped


@pytest.mark.parametrize(
    ("key", "time"),
    [
        ("raw/day=2026-11-27/beers-2026-11-27T16-00-00.123Z-1f2e3d4c.gz", "2026-11-27T16:00:00.123Z"),
        ("raw/day=2026-11-27/by hand.gz", None),
    ],
)
def test_the_time_of_a_file_is_in_its_name(key: str, time: str | None) -> None:
    assert received_of(key) == time


def test_raw_files_that_cannot_be_read_are_named_and_keep_back_no_others(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(local, "MAX_TEXT_BYTES", 1_000_000)
    put(store, MADE)
    day = next((tmp_path / "beers/raw").iterdir())
    (day / "a-plain.jsonl").write_text("{}\n")
    (day / "b-cut.gz").write_bytes(gzip.compress(b"{}\n" * 1000)[:-9])
    (day / "c-bomb.gz").write_bytes(gzip.compress(bytes(1_000_001)))
    (day / "d-empty.gz").touch()
    counts = clean_new(store)
    assert (counts.files, counts.unreadable, counts.clean) == (1, 4, count("clean"))
    reasons = (
        ("a-plain.jsonl", "is not"),
        ("b-cut.gz", "damaged"),
        ("c-bomb.gz", "is larger"),
        ("d-empty.gz", "damaged"),
    )
    for name, reason in reasons:
        assert any(f"/{name}: " in message and reason in message for message in caplog.messages), name


def test_a_clean_file_that_a_killed_store_left_damaged_is_made_again(
    store: ObjectStore, answers: FileAnswers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "MAX_FILE_BYTES", 50_000)
    put(store, MADE)
    clean_new(store)
    whole = contents(tmp_path / "beers")
    first, second, *others = sorted((tmp_path / "beers/cleaned").rglob("*.gz"))
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(b"")
    assert answer_new(store, answers) == (len(others), 2)
    clean_new(store)
    assert answer_new(store, answers) == (2, 0)
    files = contents(tmp_path / "beers")
    assert {name: data for name, data in files.items() if not name.startswith("results/")} == whole
    answered = [data for name, data in files.items() if name.endswith(".predictions.jsonl")]
    assert sum(data.count(b"\n") for data in answered) == count("clean")


def test_two_runs_at_once_write_the_same_files(store: ObjectStore, answers: FileAnswers, tmp_path: Path) -> None:
    put(store, MADE)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: (clean_new(store), answer_new(store, answers)), range(2)))
    together = contents(tmp_path / "beers")
    for folder in ("cleaned", "undelivered", "results"):
        shutil.rmtree(tmp_path / "beers" / folder)
    clean_new(store)
    answer_new(store, answers)
    assert contents(tmp_path / "beers") == together
