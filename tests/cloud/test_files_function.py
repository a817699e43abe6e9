"""The function for files in a bucket, under the cloud's own runtime client and on a real object store."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.cloud.events import created, http_api, on_bus, published, published_to_queue, queued
from tests.cloud.runtime import Runtime
from tests.cloud.store import Store
from tests.committed import committed_models
from tests.known import BEER, REPOSITORY

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")
pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

HANDLER = "app.aws_lambda.files.handler"
BUCKET = "cleaned-beers"
ROWS: list[dict[str, Any]] = [
    {"id": "1", "name": "One, of several", "ibu": 40.0, **BEER},
    {"id": "2", "name": "Too strong", "ibu": None, **BEER, "abv": 99.0},
    {"id": "3", "name": "Three", **BEER, "abv": 7.1},
]


def table() -> str:
    """The rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "name", "abv", "ibu", "target_fg", "target_og", "ebc", "srm", "ph"])
    writer.writeheader()
    writer.writerows(ROWS)
    return text.getvalue()


def spreadsheet() -> str:
    """The rows as a spreadsheet writes them where decimals have commas."""
    names = ["id", "name", "ibu", *BEER]
    lines = [[str(row.get(name, "")).replace(".", ",") for name in names] for row in ROWS]
    return "".join(";".join(cells) + "\r\n" for cells in [["sep=;"], names, *lines])


FILES = {
    "beers.json": json.dumps(ROWS),
    "beers.jsonl": "\n".join(map(json.dumps, ROWS)) + "\n",
    "a stream's, without an ending": "".join(map(json.dumps, ROWS)),
    "béers+1%.csv": table(),
    "a spreadsheet's.csv": spreadsheet(),
}


@pytest.fixture(scope="module")
def store(moto: Store) -> Store:
    """A store with a bucket."""
    moto.make_bucket(BUCKET)
    return moto


@pytest.fixture(scope="module")
def function(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """The function, started once; it has no key."""
    folder = tmp_path_factory.mktemp("function")
    settings: dict[str, Any] = {**store.environment, "S3_ENDPOINT": store.endpoint}
    runtime = Runtime(HANDLER, folder, **settings)
    yield runtime
    runtime.close()


def put(store: Store, key: str, data: str | bytes) -> str:
    store.client().put_object(Bucket=BUCKET, Key=key, Body=data)
    return key


def lines(data: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in data.decode().splitlines()]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_predictions_and_errors_are_written_to_the_results(
    function: Runtime, store: Store, name: str, compressed: bool
) -> None:
    data = FILES[name].encode()
    key = put(store, f"cleaned/2026/11/21/{name}{'.gz' * compressed}", gzip.compress(data) if compressed else data)
    outcome = function.invoke(created(BUCKET, [key]))
    assert (outcome.kind, outcome.body) == ("response", {"files": [{"file": key, "rows": 3, "bad": 1}]})
    predictions = lines(store.read(BUCKET, f"results/{key}.predictions.jsonl"))
    assert [(line["row"], line["id"], line["name"]) for line in predictions] == [
        (1, "1", "One, of several"),
        (3, "3", "Three"),
    ]
    assert all({"ibu", "interval", "model", "warnings"} <= line.keys() for line in predictions)
    (error,) = lines(store.read(BUCKET, f"results/{key}.errors.jsonl"))
    assert (error["row"], [problem["field"] for problem in error["errors"]]) == (2, ["abv"])


def test_the_recipes_of_a_file_are_rows(function: Runtime, store: Store) -> None:
    recipes = (REPOSITORY / "tests" / "data" / "recipe_files" / "ale.xml").read_bytes()
    key = put(store, "cleaned/recipes", recipes.replace(b"</RECIPES>", b"<RECIPE/></RECIPES>"))
    (result,) = function.invoke(created(BUCKET, [key])).body["files"]
    predictions = lines(store.read(BUCKET, f"results/{key}.predictions.jsonl"))
    (error,) = lines(store.read(BUCKET, f"results/{key}.errors.jsonl"))
    assert result == {"file": key, "rows": len(predictions) + 1, "bad": 1} and error["row"] == result["rows"]
    assert all({"row", "name", "ibu", "interval", "notes"} <= line.keys() for line in predictions)


def test_a_repeated_event_changes_nothing_and_output_files_are_ignored(function: Runtime, store: Store) -> None:
    key = put(store, "cleaned/twice", FILES["beers.jsonl"])
    names = [f"results/{key}.errors.jsonl", f"results/{key}.predictions.jsonl"]
    function.invoke(created(BUCKET, [key]))
    first = [store.read(BUCKET, name) for name in names]
    function.invoke(created(BUCKET, [key, key]))
    assert [store.read(BUCKET, name) for name in names] == first
    before = store.keys(BUCKET)
    assert function.invoke(created(BUCKET, names)).body == {"files": []}
    assert store.keys(BUCKET) == before


def test_files_are_processed_whichever_way_the_event_came_and_folders_are_passed_over(
    function: Runtime, store: Store
) -> None:
    key, folder = put(store, "cleaned/by many+ways", FILES["beers.jsonl"]), put(store, "cleaned/new folder/", b"")
    direct, before = created(BUCKET, [key]), store.keys(BUCKET)
    for event in (on_bus(BUCKET, key), published(direct), queued(direct, published_to_queue(direct))):
        files = function.invoke(event).body["files"]
        assert {"file": key, "rows": 3, "bad": 1} == files[0] == files[-1]
    assert function.invoke(created(BUCKET, [folder], size=0)).body == {"files": []}
    assert "put aside" not in function.output.splitlines()[-1]
    assert {name for name in store.keys(BUCKET) if name not in before} == {
        f"results/{key}.errors.jsonl",
        f"results/{key}.predictions.jsonl",
    }


def test_a_corrected_file_leaves_no_errors_file(function: Runtime, store: Store) -> None:
    key = put(store, "cleaned/mended", json.dumps(ROWS))
    function.invoke(created(BUCKET, [key]))
    put(store, key, json.dumps([{**row, "abv": 5.0} for row in ROWS]))
    assert function.invoke(created(BUCKET, [key])).body["files"][0]["bad"] == 0
    assert store.read(BUCKET, f"results/{key}.errors.jsonl") == b""


def test_a_file_that_exceeds_the_time_fails_by_name_and_leaves_nothing(function: Runtime, store: Store) -> None:
    key = put(store, "cleaned/late", json.dumps(ROWS))
    outcome = function.invoke(created(BUCKET, [key]), seconds=4)
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "NotAnswered")
    message = f"1 of 1 files: s3://{BUCKET}/{key}: not finished in time"
    assert outcome.body["errorMessage"] == message
    assert not [name for name in store.keys(BUCKET) if name.startswith(f"results/{key}")]


@pytest.mark.parametrize("key", ["cleaned//bad", "cleaned/../bad", "cleaned/" + "a" * 1000])
def test_a_file_that_can_never_be_processed_is_put_aside_at_once(function: Runtime, store: Store, key: str) -> None:
    """A name that the client would change, or whose results would have too long a name: another try helps nobody."""
    good = put(store, "cleaned/good", json.dumps(ROWS))
    outcome = function.invoke(created(BUCKET, [key, good]))
    assert outcome.kind == "response"
    rejected, answered = outcome.body["files"]
    assert "name" in rejected["rejected"] and answered["rows"] == 3


@pytest.mark.parametrize("event", [{}, [], None, http_api("GET", "/"), {"Records": [{"s3": {}}]}])
def test_an_event_of_another_kind_is_an_error(function: Runtime, event: Any) -> None:
    outcome = function.invoke(event)
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "EventError")
    assert function.invoke({"Service": "Amazon S3", "Event": "s3:TestEvent"}).body == {"files": []}


def test_files_of_noise_are_reported_and_crash_nothing(function: Runtime, store: Store) -> None:
    random = Random(7)
    for number in range(50):
        noise = random.choice([b"", b"[", b"{", b"\x1f\x8b", b"a,b\n"]) + random.randbytes(random.randrange(300))
        key = put(store, f"cleaned/noise-{number}", noise)
        assert function.invoke(created(BUCKET, [key])).kind == "response"
    assert function.process.poll() is None


def test_the_function_starts_with_bundles_from_the_store(store: Store, tmp_path: Path) -> None:
    store.upload(committed_models(), BUCKET, "released")
    key = put(store, "cleaned/from-the-store", json.dumps(ROWS))
    uri: dict[str, Any] = {
        "MODEL_URI": f"s3://{BUCKET}/released",
        "S3_ENDPOINT": store.endpoint,
        "MODEL_CACHE": str(tmp_path / "c"),
    }
    runtime = Runtime(HANDLER, tmp_path, **{**uri, **store.environment})
    try:
        assert runtime.invoke(created(BUCKET, [key])).body["files"][0]["rows"] == 3
    finally:
        runtime.close()
