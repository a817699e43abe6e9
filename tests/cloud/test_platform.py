"""The platform as a whole, without an account: every beer that comes in is accounted for, whatever happens to it."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.platform.transformation import COLUMNS
from tests.brewery import brewery
from tests.cloud.catalogue import Catalogue, create_catalogue, create_deliveries
from tests.cloud.platform import Batch, Platform
from tests.cloud.store import Store
from tests.committed import committed_models
from tests.known import REPOSITORY
from tests.made_beers import made_beers
from training.sources import RecipeDataset, read_recipes

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")
pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

SHARED = REPOSITORY.parent / "shared/data/punk_beers.json"
BEERS: list[dict[str, Any]] = json.loads(
    (SHARED if SHARED.exists() else REPOSITORY / "tests/data/recipes.json").read_text("utf-8")
)
POISON = (b"", b"\x00\xff", b"[[[", b'{"id": 1, "id": 2}', b"null")


@pytest.fixture
def credentials(moto: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store, with its credentials in the environment of this process."""
    for name, value in moto.environment.items():
        monkeypatch.setenv(name, value)
    return moto


@pytest.fixture(scope="module")
def polled(moto: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform after one round of the schedule, with all beers delivered and answered."""
    with brewery(BEERS) as server:
        platform = Platform(moto, tmp_path_factory.mktemp("polled"), "polled-beers", server.address)
        try:
            outcome = platform.schedule()
            assert outcome.body == {"read": len(BEERS), "put": len(BEERS), "too_large": 0}, outcome
            platform.deliver()
            yield platform
        finally:
            platform.close()


def gathered(store: Store, platform: Platform) -> RecipeDataset:
    """What training reads of the clean beers."""
    return read_recipes(f"s3://{platform.name}/cleaned/", store.endpoint)


def test_every_beer_of_the_api_is_accounted_for(polled: Platform) -> None:
    ledger = polled.ledger
    assert ledger.records == ledger.raw == len(BEERS) and ledger.adds_up()
    assert not ledger.failed and ledger.bad == 0
    if SHARED.exists():
        assert (ledger.records, ledger.clean, ledger.answered) == (270, 256, 256)
        assert ledger.dropped == {"ibu_above_150": 8, "no_label": 3, "ibu_copied_from_og": 2, "ibu_below_3": 1}
    print(ledger)


def test_raw_records_are_what_the_api_gave(polled: Platform) -> None:
    assert sorted(map(json.loads, polled.lines("raw/")), key=json.dumps) == sorted(BEERS, key=json.dumps)


def test_training_reads_what_was_gathered(polled: Platform, credentials: Store) -> None:
    dataset = gathered(credentials, polled)
    cleaned = polled.ledger.clean
    assert len(dataset.recipes) == cleaned and dataset.source == f"s3://{polled.name}/cleaned"
    assert dataset.note == f"1 files with {cleaned} rows, 0 of them of beers with a newer row"
    stated = {str(beer["id"]): beer for beer in BEERS}
    assert all(recipe["ibu"] == stated[str(recipe["id"])]["ibu"] for recipe in dataset.recipes)


def _disturbed(random: Random) -> Any:
    def arrange(records: Batch) -> Batch:
        again = records + random.sample(records, len(records) // 3)
        random.shuffle(again)
        return again

    return arrange


@pytest.fixture(scope="module")
def disturbed(moto: Store, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The API is polled twice, records are delivered again and in another order, and others are no beers."""
    with brewery(BEERS) as server:
        platform = Platform(moto, tmp_path_factory.mktemp("disturbed"), "disturbed-beers", server.address)
        try:
            platform.put(POISON)
            assert platform.schedule().kind == "response"
            platform.deliver(_disturbed(Random(1)))
            platform.put(POISON)
            assert platform.schedule().kind == "response"
            platform.deliver(_disturbed(Random(2)))
            for key in platform.moto.keys(platform.name):  # the bucket's events come again as well
                if key.startswith("cleaned/"):
                    before = platform.moto.read(platform.name, f"results/{key}.predictions.jsonl")
                    platform.files.invoke({"Records": []})
                    platform.answer(key)
                    assert platform.moto.read(platform.name, f"results/{key}.predictions.jsonl") == before
        finally:
            platform.close()
    return platform


def test_what_comes_again_late_or_poisoned_changes_nothing(
    polled: Platform, disturbed: Platform, credentials: Store
) -> None:
    calm, again = gathered(credentials, polled), gathered(credentials, disturbed)
    assert again.recipes == calm.recipes and again.sha256 == calm.sha256
    ledger = disturbed.ledger
    assert ledger.raw == 2 * (len(BEERS) + len(POISON))
    assert ledger.records == ledger.clean + ledger.dropped.total() + ledger.failed.total() > ledger.raw
    assert set(ledger.failed) == {"not_json", "repeated_key", "not_an_object"}
    assert _answers(disturbed) == _answers(polled)


def _answers(platform: Platform) -> dict[str, Any]:
    """The predicted bitterness by id; equal beers have equal answers."""
    found: dict[str, Any] = {}
    for line in platform.lines("results/"):
        answer = json.loads(line)
        assert found.setdefault(answer["id"], (answer["ibu"], answer["interval"])) == (
            answer["ibu"],
            answer["interval"],
        )
    return found


def test_ten_thousand_made_beers_become_what_their_faults_make_of_them(moto: Store, tmp_path: Path) -> None:
    made = made_beers(10_000)
    platform = Platform(moto, tmp_path, "made-beers")
    try:
        platform.put([each.data for each in made])
        platform.deliver()
    finally:
        platform.close()
    ledger = platform.ledger
    print(ledger)
    assert ledger.records == ledger.raw == 10_000 and ledger.adds_up()
    assert ledger.clean == sum(each.kind == "clean" for each in made)
    assert ledger.dropped == Counter(each.reason for each in made if each.kind == "dropped")
    assert ledger.failed == Counter(each.reason for each in made if each.kind == "failed")
    assert ledger.bad == 0


def test_a_function_that_fails_keeps_its_records_for_another_try(
    moto: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delivery gives up after its retries, and writes what it could not have cleaned."""
    platform = Platform(moto, tmp_path, "failing-beers")
    try:
        platform.put([each.data for each in made_beers(20)])
        invoke = platform.transform.invoke
        monkeypatch.setattr(platform.transform, "invoke", lambda event: invoke({**event, "records": [{}]}))
        platform.deliver()
    finally:
        platform.close()
    ledger = platform.ledger
    assert (ledger.records, ledger.raw, ledger.failed, ledger.undelivered) == (20, 20, {"function": 20}, 20)
    assert ledger.adds_up() and len(platform.lines("undelivered/")) == 20


def test_the_deliveries_of_the_template_are_created_in_moto(moto: Store, resources: dict[str, Any]) -> None:
    described = create_deliveries(moto, resources)
    assert [each["DeliveryStreamStatus"] for each in described] == ["ACTIVE", "ACTIVE"]
    assert {each["DeliveryStreamType"] for each in described} == {"KinesisStreamAsSource"}


@pytest.fixture(scope="module")
def catalogue(polled: Platform, resources: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The tables of the template over the bucket."""
    pytest.importorskip("duckdb", reason="duckdb is not installed (requirements/cloud.txt)")
    create_catalogue(polled.moto, resources)
    return Catalogue(polled.moto, polled.name, tmp_path_factory.mktemp("bucket"))


def test_queries_find_every_row_in_its_partition(catalogue: Catalogue, polled: Platform) -> None:
    ledger = polled.ledger
    for table, count in (("raw", ledger.raw), ("cleaned", ledger.clean), ("results", ledger.answered)):
        (found,) = catalogue.rows(f"SELECT count(*), count(DISTINCT day), min(typeof(day)) FROM {table}")  # noqa: S608
        assert found[0] == count and found[1] >= 1, table


def test_raw_text_is_queried_as_json(catalogue: Catalogue) -> None:
    query = "SELECT json_extract_string(record, '$.name') FROM raw ORDER BY 1"
    assert [name for (name,) in catalogue.rows(query)] == sorted(beer["name"] for beer in BEERS)


def test_columns_have_the_types_of_the_catalogue(catalogue: Catalogue, polled: Platform) -> None:
    (types,) = catalogue.rows("SELECT typeof(id), typeof(ibu), typeof(hops), typeof(received) FROM cleaned LIMIT 1")
    assert types[:2] == ("VARCHAR", "DOUBLE") and types[2].endswith("[]") and types[3] == "VARCHAR"
    lines = [json.loads(line) for line in polled.lines("cleaned/")]
    (count,) = catalogue.rows("SELECT sum(len(hops)), sum(target_og), max(received), count(style) FROM cleaned")
    assert count[0] == sum(len(line.get("hops", ())) for line in lines)
    assert count[1] == pytest.approx(sum(line["target_og"] for line in lines))
    assert count[2] == max(line["received"] for line in lines)
    names = {name for line in lines for name in line}
    columns = [name for name, *_ in catalogue.rows("DESCRIBE cleaned")]
    assert tuple(columns) == (*COLUMNS, "day") and names <= set(columns)


def test_answers_join_the_beers_that_they_are_of(catalogue: Catalogue, polled: Platform) -> None:
    query = """
        SELECT count(*), avg(abs(r.ibu - c.ibu)), count(r.interval.lower), count(r.model.version), count(r.errors)
        FROM cleaned c JOIN results r ON r.id = c.id AND r.received = c.received
    """
    ((joined, error, intervals, versions, errors),) = catalogue.rows(query)
    assert joined == intervals == versions == polled.ledger.answered and errors == 0
    assert 0 < error < 25
    (warned,) = catalogue.rows("SELECT count(*) FROM results WHERE len(warnings) > 0 AND warnings[1].code IS NULL")
    assert warned == (0,)


def test_the_queries_of_the_manual_count_each_beer_once(
    catalogue: Catalogue, polled: Platform, disturbed: Platform, tmp_path: Path
) -> None:
    """Beers that came again have several rows in each table, some of them with the same time."""
    text = (REPOSITORY / "docs/platform.md").read_text("utf-8").partition("```sql\n")[2].partition("```")[0]
    newest, _ = (query.replace("beer_model_prod.", "") for query in text.split(";") if query.strip())
    rows = Catalogue(disturbed.moto, disturbed.name, tmp_path).rows(newest)
    assert sorted(rows) == sorted(catalogue.rows(newest)) and len({row[0] for row in rows}) == polled.ledger.clean


def trained(moto: Store, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that trains, with the packages of requirements/train.txt, which cannot be installed beside moto."""
    python = os.environ.get("TRAINING_PYTHON")
    if not python:
        pytest.skip("TRAINING_PYTHON names no Python with requirements/train.txt")
    options = ["--s3-endpoint", moto.endpoint, "--repeats", "1", "--workers", "1"]
    variables = {**os.environ, **moto.environment, "OMP_NUM_THREADS": "1", "PYTHON": python}
    return subprocess.run(
        [*(python if word == "PYTHON" else word for word in words), *options],
        cwd=REPOSITORY,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_model_is_trained_on_what_was_gathered(polled: Platform, moto: Store, tmp_path: Path) -> None:
    command = ("PYTHON", "-m", "training", "--model", "beer-ibu", "--data", f"s3://{polled.name}/cleaned/")
    done = trained(moto, *command, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    manifest = json.loads(next(tmp_path.glob("beer-ibu/*/manifest.json")).read_text())
    data = manifest["training_data"]
    assert (data["source"], data["rows_used"]) == (f"s3://{polled.name}/cleaned", polled.ledger.clean)
    assert f"{polled.ledger.clean} beers read" in done.stderr


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_the_scheduled_job_knows_the_beers_of_the_active_version(polled: Platform, moto: Store, tmp_path: Path) -> None:
    """What came over the platform is what the version was trained on, so there is nothing new, which is no failure."""
    moto.make_bucket("retrained")
    moto.upload(committed_models(), "retrained", "models")
    before = moto.keys("retrained")
    words = ("--models", "s3://retrained/models", "--name", "beer-ibu", "--cache", str(tmp_path / "cache"))
    done = trained(moto, "scripts/retrain.sh", *words, "--data", f"s3://{polled.name}/cleaned/")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Nothing new: beer-ibu ") and moto.keys("retrained") == before
