"""The command `score` with a bucket: sources and output in an S3-compatible store."""

import gzip
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.errors import ScoringError
from app.settings import ModelSettings
from tests.cloud.store import Store

if TYPE_CHECKING:
    from app.scoring.scorer import LoadedScorer

pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements/parquet.txt)")

BUCKET = "beers-to-score"


@pytest.fixture(scope="module")
def beers(models: Path) -> "LoadedScorer":
    from app.scoring.scorer import Model, load_scorer

    return load_scorer(ModelSettings(model_uri=str(models)), Model())


@pytest.fixture
def bucket(moto: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store with a table, lines and Parquet, its credentials in the environment, and small parts."""
    from pyarrow import parquet

    from app.scoring import plan

    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(plan, "BLOCK_BYTES", 4_000)
    monkeypatch.setattr(plan, "PART_BYTES", 10_000)
    if BUCKET not in [each["Name"] for each in moto.client().list_buckets()["Buckets"]]:
        moto.make_bucket(BUCKET)
    rows = [{"abv": 4 + n % 50 / 10, "target_og": 1040 + n % 30, "target_fg": 1010 + n % 7} for n in range(1_000)]
    table = "abv,target_og,target_fg\n" + "".join(",".join(map(str, row.values())) + "\n" for row in rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(rows), file, row_group_size=300)
    for key, data in (
        ("in/2026/11/a", table.encode()),
        ("in/2026/11/b.gz", gzip.compress(lines.encode())),
        ("in/2026/12/c.parquet", file.getvalue()),
        ("in/_temporary/d", b"no source"),
        ("index", b"no source"),
    ):
        moto.client().put_object(Bucket=BUCKET, Key=key, Body=data)
    return moto


def objects(store: Store, prefix: str) -> dict[str, bytes]:
    return {key: store.read(BUCKET, key) for key in store.keys(BUCKET) if key.startswith(prefix)}


def test_objects_are_answered_and_the_output_is_written_to_a_bucket(
    bucket: Store, beers: "LoadedScorer", tmp_path: Path
) -> None:
    from app.scoring.run import in_this_process
    from tests.scale.jobs import manifest, predictions, score

    source, out = f"s3://{BUCKET}/in/", f"s3://{BUCKET}/out/1"
    outcome = score(beers, [source], out, endpoint=bucket.endpoint)
    assert (outcome.counts.sources, outcome.counts.answered) == (3, 3_000)
    assert outcome.done > 6
    again = score(beers, [source], out, endpoint=bucket.endpoint)
    assert not again.is_new and again.counts == outcome.counts

    class Killed(Exception):
        pass

    def killed(job, tasks, answered):
        for number, each in enumerate(in_this_process(beers)(job, tasks, answered)):
            yield each
            if number == 2:
                raise Killed

    with pytest.raises(Killed):
        score(beers, [source], f"s3://{BUCKET}/out/2", endpoint=bucket.endpoint, engine=killed)
    second = score(beers, [source], f"s3://{BUCKET}/out/2", endpoint=bucket.endpoint)
    assert (second.kept, second.done) == (3, outcome.done - 3)
    found = {key.removeprefix("out/2/"): data for key, data in objects(bucket, "out/2/").items()}
    assert found == {key.removeprefix("out/1/"): data for key, data in objects(bucket, "out/1/").items()}
    score(beers, [source], tmp_path, endpoint=bucket.endpoint)
    assert {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.jsonl")} == {
        key: data for key, data in found.items() if key.endswith(".jsonl")
    }
    assert [entry["source"] for entry in manifest(tmp_path)["sources"]] == [
        f"s3://{BUCKET}/in/{key}" for key in ("2026/11/a", "2026/11/b.gz", "2026/12/c.parquet")
    ]
    assert all(entry["digest"].startswith("etag:") for entry in manifest(tmp_path)["sources"])
    assert len(predictions(tmp_path)) == 3_000


def test_patterns_name_objects(bucket: Store) -> None:
    from app.scoring.sources import find_sources

    for pattern, names in (
        ("in/**/*.gz", ["2026/11/b.gz"]),
        ("in/2026/*/?", ["2026/11/a"]),
        ("*/2026/1[2]/**", ["2026/12/c.parquet"]),
        ("in/_temporary/", ["_temporary/d"]),
    ):
        found = find_sources([f"s3://{BUCKET}/{pattern}"], bucket.endpoint, f"s3://{BUCKET}")
        assert [source.name for source in found] == [f"s3://{BUCKET}/in/{name}" for name in names]


def test_an_object_that_changes_meanwhile_is_not_mixed_with_the_new_one(
    bucket: Store, beers: "LoadedScorer", tmp_path: Path
) -> None:
    from app.scoring.run import in_this_process
    from tests.scale.jobs import errors, score

    def changed(job, tasks, answered):
        bucket.client().put_object(
            Bucket=BUCKET, Key="in/2026/11/a", Body=b"abv,target_og,target_fg\n5,1050,1010\n" * 900
        )
        yield from in_this_process(beers)(job, tasks, answered)

    source = f"s3://{BUCKET}/in/2026/11/a"
    with pytest.raises(ScoringError, match="in/2026/11/a: cannot be read"):
        score(beers, [source], tmp_path, endpoint=bucket.endpoint, engine=changed)
    assert not (tmp_path / "manifest.json").exists()
    assert not list(tmp_path.glob("errors/*")) and errors(tmp_path) == {}


def test_what_cannot_be_found_is_named(bucket: Store, beers: "LoadedScorer", tmp_path: Path) -> None:
    from tests.scale.jobs import score

    for address in f"s3://{BUCKET}/no/", f"s3://{BUCKET}/nothing", "s3://no-such-bucket-here/x":
        with pytest.raises(ScoringError, match=address):
            score(beers, [address], tmp_path, endpoint=bucket.endpoint)
    with pytest.raises(ScoringError, match="no-such-bucket-here"):
        score(beers, [f"s3://{BUCKET}/in/"], "s3://no-such-bucket-here/out", endpoint=bucket.endpoint)
