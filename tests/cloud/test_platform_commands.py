"""The platform without a cloud, as commands: an API is polled into a store, and its beers are cleaned and answered."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.brewery import brewery
from tests.cloud.store import Store
from tests.known import REPOSITORY
from tests.live.program import PATIENCE, environment

pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

BEERS: list[dict[str, Any]] = json.loads((REPOSITORY / "tests/data/recipes.json").read_text("utf-8"))


def command(*words: str) -> list[Any]:
    return [sys.executable, "-m", "app", *words]


def variables(store: Store) -> dict[str, str]:
    return environment(**store.environment, S3_ENDPOINT=store.endpoint)


def lines(store: Store, bucket: str, prefix: str, end: str = "") -> list[dict[str, Any]]:
    found = []
    for key in store.keys(bucket):
        if key.startswith(prefix) and key.endswith(end):
            data = store.read(bucket, key)
            found += (gzip.decompress(data) if key.endswith(".gz") else data).splitlines()
    return [json.loads(line) for line in found]


@pytest.mark.parametrize("store", ["moto", "s3rver"], indirect=True)
def test_polled_beers_are_cleaned_and_answered(store: Store, tmp_path: Path) -> None:
    store.make_bucket("local-beers")
    with brewery(BEERS) as server:
        for words in (("poll", server.address, "--to", "s3://local-beers"), ("transform", "s3://local-beers")):
            done = subprocess.run(
                command(*words), env=variables(store), cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    assert len(lines(store, "local-beers", "raw/")) == len(BEERS)
    cleaned = lines(store, "local-beers", "cleaned/")
    answered = lines(store, "local-beers", "results/", ".predictions.jsonl")
    assert [each["id"] for each in answered] == [each["id"] for each in cleaned]
    assert 0 < len(cleaned) < len(BEERS) and '"dropped"' in done.stderr.replace("\\", "")


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_a_raw_file_that_is_damaged_fails_the_command_and_keeps_back_no_others(store: Store, tmp_path: Path) -> None:
    store.make_bucket("damaged-beers")
    record = json.dumps({"id": 1, "ibu": 40, "target_og": 1056, "target_fg": 1013}).encode()
    for name, data in (("a.gz", gzip.compress(record)[:-1]), ("b.gz", gzip.compress(record))):
        store.client().put_object(Bucket="damaged-beers", Key=f"raw/day=2026-11-27/{name}", Body=data)
    done = subprocess.run(
        command("transform", "s3://damaged-beers"), env=variables(store), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and "raw/day=2026-11-27/a.gz: is not compressed with gzip, or is damaged" in done.stderr
    assert [each["id"] for each in lines(store, "damaged-beers", "results/", ".predictions.jsonl")] == ["1"]


@pytest.mark.parametrize("store", ["moto"], indirect=True)
def test_the_commands_go_on_after_an_error_and_stop_on_sigterm(store: Store, tmp_path: Path) -> None:
    store.make_bucket("going-beers")
    with brewery(BEERS, 404) as server:
        words = ("poll", server.address, "--to", "s3://going-beers", "--beers", "random", "--every", "0.05")
        with subprocess.Popen(
            command(*words), env=variables(store), cwd=tmp_path, stderr=subprocess.PIPE, text=True
        ) as process:
            end = time.monotonic() + PATIENCE
            while len(store.keys("going-beers")) < 2 and time.monotonic() < end:
                assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=PATIENCE)[1]
    assert process.returncode == 0
    assert "random beer: status 404" in errors and errors.count("polled") >= 2
