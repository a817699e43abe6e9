"""The scheduled job: the active version comes from the store, and a new one goes there that is not active."""

import json
import shutil

import pytest

from app.bundle.store import read_bundle
from scripts import retrain
from tests.folder_store import use_folders
from training.beer.vitals import VITALS

NAME = VITALS.name
pytestmark = pytest.mark.usefixtures("fast_command")


@pytest.fixture
def bucket(root, files, tmp_path, monkeypatch):
    """A bucket with version 1 of the model and the recipes of both files as cleaned beers, the old ones twice."""
    use_folders(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "bucket"
    shutil.copytree(root / NAME / "1", folder / "models" / NAME / "1")
    for day, names in (("2026-11-26", ["old"]), ("2026-11-27", ["old", "new"])):
        lines = [
            json.dumps({**beer, "received": f"{day}T12:00:00.000Z"})
            for name in names
            for beer in json.loads((files / f"{name}.json").read_text())
        ]
        path = folder / "cleaned" / f"day={day}" / "beers"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join(lines))
    return folder


def run(files, *more):
    data = ["--data", str(files / "old.json"), "s3://bucket/cleaned/", "--repeats", "1", "--workers", "1"]
    return retrain.main(["--models", "s3://bucket/models/", "--name", NAME, *data, *map(str, more)])


def test_a_version_that_is_no_worse_is_uploaded_and_not_active(bucket, files, capsys):
    assert run(files, "--max-mae-increase", 9, "--max-coverage-loss", 1) == 0
    written = read_bundle(bucket / "models" / NAME / "2")
    assert written.manifest.version == "2" and "report.md" in written.files
    assert (bucket / "models" / NAME / "ACTIVE").read_text() == "1\n"
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == f"s3://bucket/models/{NAME}/2 is uploaded and not active."
    assert "s3://bucket/cleaned: 2 files with" in err and "of beers with a newer row" in err


def test_a_worse_version_is_not_uploaded(bucket, files):
    assert run(files, "--max-mae-increase", -9) == 3
    assert [path.name for path in (bucket / "models" / NAME).iterdir()] == ["1"]


def test_a_pointer_is_left_as_it_is_and_the_number_of_a_job_that_was_stopped_is_not_used_again(bucket, files):
    (bucket / "models" / NAME / "3").mkdir()
    (bucket / "models" / NAME / "3" / "model.onnx").write_bytes(b"half")
    (bucket / "models" / NAME / "ACTIVE").write_text("1\nnone\n")
    assert run(files, "--max-mae-increase", 9, "--max-coverage-loss", 1) == 0
    assert (bucket / "models" / NAME / "ACTIVE").read_text() == "1\nnone\n"
    assert read_bundle(bucket / "models" / NAME / "4").manifest.version == "4"


def test_a_store_without_the_model_is_an_error(bucket, files, capsys):
    shutil.rmtree(bucket / "models")
    assert run(files) == 1
    assert capsys.readouterr().err == f"retrain: s3://bucket/models/{NAME}: no bundle here\n"
