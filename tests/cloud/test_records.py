"""Records in a bucket and as Parquet: a running program uploads what it recorded, and what a dead bucket loses."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import RecordsError
from app.object_store import ObjectStore
from app.records import shipping
from app.records.folder import Bounds, LineWriter
from app.records.reading import read_records
from app.records.shipping import Shipper
from app.telemetry.metrics import Registry
from tests.cloud.store import Store
from tests.known import BEER, KEY
from tests.live.program import Start
from tests.live.wire import request

pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")
pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements/parquet.txt)")

BOUNDS = Bounds(10**6, 3600, 10**9)
LINE = {
    "time": "2026-11-27T16:00:00.123456Z",
    "request_id": "a",
    "row": 0,
    "model": "iris",
    "version": "1",
    "inputs": {"sepal_length": 0.10000000149011612, "sepal_width": None},
    "outputs": {"class_id": 0, "scores.0": -0.0, "scores.1": "Infinity"},
    "warnings": ["one", "two"],
    "run": [1, 7],
    "text": {"hops": ["Magnum"]},
}


@pytest.fixture
def credentials(moto: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store, with its credentials in the environment of this process."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    return moto


def _write(folder: Path, rows: int = 3) -> None:
    writer = LineWriter(folder, "records-", BOUNDS)
    for row in range(rows):
        writer.write(json.dumps({**LINE, "row": row}).encode() + b"\n")
    writer.close()


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def _figure(metrics: Registry, label: str) -> float:
    return sum(value for (_, line, _), value in metrics.read().items() if label in line)


def test_parquet_holds_the_same_records_as_json_lines(tmp_path: Path) -> None:
    _write(tmp_path)
    (path,) = tmp_path.iterdir()
    with path.open("a") as file:
        file.write('{"broken')
    expected = [repr(each) for each in read_records([tmp_path])]
    assert Shipper(tmp_path, Registry(), converts=True).ship()
    (converted,) = tmp_path.iterdir()
    assert converted.name == path.with_suffix(".parquet").name and converted.stat().st_mode & 0o777 == 0o600
    assert [repr(each) for each in read_records([tmp_path])] == expected and len(expected) == 3


def test_a_file_that_is_written_is_not_shipped_and_a_killed_ones_is(tmp_path: Path) -> None:
    writer = LineWriter(tmp_path, "records-", BOUNDS)
    writer.write(json.dumps(LINE).encode() + b"\n")
    shipper = Shipper(tmp_path, Registry(), converts=True)
    assert shipper.ship() and [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
    writer.close()
    assert shipper.ship() and [path.suffix for path in tmp_path.iterdir()] == [".parquet"]


def test_a_damaged_parquet_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "records-1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RecordsError, match=r"records-1\.parquet"):
        list(read_records([tmp_path]))


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_a_program_uploads_its_records(start: Start, credentials: Store, tmp_path: Path, format: str) -> None:
    bucket = f"records-{format}"
    credentials.make_bucket(bucket)
    program = start(
        **credentials.environment,
        API_KEY=KEY,
        PORT="0",
        S3_ENDPOINT=credentials.endpoint,
        RECORD="all",
        RECORD_PATH=f"s3://{bucket}/some/folder",
        RECORD_FORMAT=format,
    )
    for number in range(3):
        headers = [("X-API-Key", KEY), ("Content-Type", "application/json"), ("X-Request-ID", f"call-{number}")]
        assert program.send(request("POST", "/predict", headers, json.dumps(BEER).encode())).status == 200
    assert program.stop() == 0
    (key,) = credentials.keys(bucket)
    assert key.startswith("some/folder/records-") and key.endswith(f".{format}")
    assert list((tmp_path / "record-spool").iterdir()) == []
    for path in (f"s3://{bucket}/some/folder", f"s3://{bucket}", f"s3://{bucket}/{key}"):
        records = list(read_records([path], s3_endpoint=credentials.endpoint))
        assert sorted(each.request_id for each in records) == ["call-0", "call-1", "call-2"]
    with pytest.raises(RecordsError, match="has no files that begin with records-"):
        list(read_records([f"s3://{bucket}/other"], s3_endpoint=credentials.endpoint))


def test_a_dead_bucket_keeps_files_until_it_is_back(
    credentials: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shipping, "RETRY_SECONDS", 0.1)
    metrics = Registry()
    shipper = Shipper(tmp_path, metrics, False, lambda: ObjectStore("comes-late", credentials.endpoint), "r")
    _write(tmp_path)
    shipper.start()
    _until(lambda: "records stay in" in caplog.text)
    assert len(list(tmp_path.iterdir())) == 1
    credentials.make_bucket("comes-late")
    _until(lambda: not list(tmp_path.iterdir()))
    assert len(credentials.keys("comes-late")) == 1
    shipper.stop()
    assert _figure(metrics, 'reason="bucket"') == 0


def test_what_makes_room_before_its_upload_is_counted(tmp_path: Path) -> None:
    metrics = Registry()
    shipper = Shipper(tmp_path, metrics, False, lambda: ObjectStore("nowhere", "http://127.0.0.1:9"), "")
    for _ in range(4):
        _write(tmp_path, rows=5)
    size = sum(path.stat().st_size for path in tmp_path.iterdir()) // 4
    writer = LineWriter(tmp_path, "records-", Bounds(size, 3600, 3 * size + 10), on_deleted=shipper.on_deleted)
    writer.write(b"{}\n")
    assert len(list(tmp_path.iterdir())) == 3
    assert _figure(metrics, 'reason="bucket"') == 10
