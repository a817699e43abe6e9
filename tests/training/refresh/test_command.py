"""The whole command: a version that is no worse is written and not active, with a page that says why."""

import json
import struct
from datetime import UTC, datetime

import numpy as np
import pytest

from app.bundle.pointer import activate, active_version, unload
from app.bundle.store import read_bundle, versions
from app.labels.label import Label, to_line
from app.records.reading import Record
from tests.bundles import write_digests
from training import __main__ as command
from training.beer.vitals import VITALS
from training.sources import read_recipes
from training.spec_trainer import prepare
from training.trained_on import TRAINED_ON, TrainedOn

NAME = VITALS.name
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PAGE = {"report.md", "report-predictions.png", "report-differences.png", "report-inputs.png"}

pytestmark = pytest.mark.usefixtures("fast_command")


def refresh(root, *arguments):
    words = ["refresh", "--name", NAME, "--out", str(root), "--repeats", "1", "--workers", "1"]
    return command.main([*words, *map(str, arguments)])


def write_labels(folder, rows, kind="stated", joined=True):
    """Write labels, and a record of each."""
    folder.mkdir(exist_ok=True)
    labels, records = [], []
    for place, (row, ibu) in enumerate(rows):
        inputs = dict(zip([column.name for column in VITALS.inputs], map(float, row), strict=True))
        outputs, own = {"ibu": 40.0, "lower": 20.0, "upper": 60.0}, (NAME, "1", inputs)
        answered = (*own, outputs) if joined else (None,) * 4
        labels.append(Label(NOON, f"{kind}{place}", f"call{place}", 0, *answered, ibu=float(ibu), kind=kind))
        records.append(Record(NOON, f"call{place}", 0, *own, outputs))
    (folder / f"feedback-{kind}.jsonl").write_bytes(b"".join(map(to_line, labels)))
    (folder / f"records-{kind}.jsonl").write_text("".join(json.dumps(record.as_json()) + "\n" for record in records))
    return folder


def new_beers(count, seed=0):
    """Beers that nobody has brewed, with the bitterness that their gravity usually goes with."""
    rng = np.random.default_rng(seed)
    og = rng.uniform(1040, 1080, count)
    fg = 1000 + (og - 1000) * 0.22
    rows = np.column_stack([(og - fg) * 0.131, og, fg, rng.uniform(8, 60, count), np.full(count, np.nan), og * 0 + 4.4])
    return [(row, 35 + (og - 1040)) for row, og in zip(rows.astype(np.float32), og, strict=True)]


def size(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


def test_a_version_no_worse_is_written_with_its_page_and_is_not_active(root, files, tmp_path, capsys):
    labels = write_labels(tmp_path / "labels", new_beers(14), joined=False)
    data = ["--data", files / "old.json", files / "new.json", "--labels", labels, "--records", labels]
    assert refresh(root, *data, "--max-mae-increase", 5, "--max-coverage-loss", 1, "--source", "my brews") == 0
    assert versions(root, NAME) == ["1", "2"] and active_version(root, NAME) == "1"
    bundle = read_bundle(root / NAME / "2")
    assert PAGE < set(bundle.files), "read_bundle compares every file with SHA256SUMS"
    page = bundle.files["report.md"].decode()
    assert page.splitlines()[-1] == "`python -m app models shadow beer-ibu 2`"
    assert "**No worse than beer-ibu 1.** On the same folds the MAE goes from" in page
    assert "Labels: 14 received, 14 used for training" in page
    about = bundle.manifest.training_data
    assert f"Used: {about.rows_used} beers" in page and "trained on 53" in page
    assert about.rows_read == 58 + 59 + 14
    assert "| in_another_source | 29 |" in page and about.origin == "my brews"
    assert "Of 14 recorded rows" in page
    assert all(min(size(bundle.files[name])) > 200 for name in PAGE - {"report.md"})
    out, err = capsys.readouterr()
    assert page in out
    assert f"Next: MODEL_URI={root} python -m app models shadow beer-ibu 2" in err
    known = TrainedOn.read(bundle)
    rows = np.array([row for row, _ in new_beers(14)])
    assert known.relates(VITALS, rows).all(), "a later run knows the labelled beers, too"


def test_a_beer_in_the_training_of_either_version_is_never_fresh(root, files, tmp_path):
    """Labels of beers with the gravities of known ones come, and of new ones; then the second version is active."""
    old = prepare(VITALS, read_recipes(str(files / "old.json")).recipes)
    moved = old.inputs[:20].copy()
    moved[:, 5] = 4.321  # the same gravities, another pH
    labels = write_labels(tmp_path / "labels", [*zip(moved, old.labels[:20], strict=True), *new_beers(12)])
    data = ["--data", files / "old.json", "--labels", labels, "--max-mae-increase", 99, "--max-coverage-loss", 1]
    assert refresh(root, *data, "--force") == 0
    page = (root / NAME / "2" / "report.md").read_text()
    assert "| fresh beers, n = 12 in 12 groups | beer-ibu 1 |" in page
    activate(root, NAME, "2")
    assert refresh(root, *data, "--force") == 0
    page = (root / NAME / "3" / "report.md").read_text()
    assert "so there are no fresh beers" in page and "| fresh beers" not in page


def test_there_is_nothing_to_do_without_new_beers(root, files, capsys):
    assert refresh(root, "--data", files / "old.json") == 3
    assert refresh(root, "--data", files / "old.json", files / "old.json") == 3
    assert capsys.readouterr().out.count("Nothing new: beer-ibu 1 was trained on these beers") == 2
    assert versions(root, NAME) == ["1"]


def test_a_worse_version_is_not_written_unless_it_is_forced(root, files, tmp_path, capsys):
    """An increase of -9 asks for a gain of 9 IBU."""
    data = ["--data", files / "old.json", files / "new.json", "--max-mae-increase", -9, "--report", tmp_path / "page"]
    assert refresh(root, *data) == 3
    assert versions(root, NAME) == ["1"]
    out, err = capsys.readouterr()
    page = (tmp_path / "page" / "report.md").read_text()
    assert page in out and {path.name for path in (tmp_path / "page").iterdir()} == PAGE
    assert "**Not shown to be as good as beer-ibu 1:** MAE is worse on the same folds" in page
    assert "No version was written. To write it anyway, run the same command with `--force`; then:" in page
    assert "beer-ibu: NOT written: MAE is worse on the same folds" in err and "--force" in err
    assert refresh(root, *data, "--force") == 0
    assert active_version(root, NAME) == "1"
    page = (root / NAME / "2" / "report.md").read_text()
    assert "MAE is worse on the same folds. It was written anyway (`--force`)." in page


def test_what_a_bundle_of_an_earlier_program_was_trained_on_is_found_by_the_digest_of_a_source(root, files, capsys):
    folder = root / NAME / "1"
    (folder / TRAINED_ON).unlink()
    write_digests(folder)
    assert refresh(root, "--data", files / "old.json") == 3
    assert "Nothing new" in capsys.readouterr().out
    assert refresh(root, "--data", files / "new.json") == 3
    assert "it cannot be judged: the beers that beer-ibu 1 was trained on are not known" in capsys.readouterr().out
    assert refresh(root, "--data", files / "new.json", "--force") == 0
    page = (root / NAME / "2" / "report.md").read_text()
    assert "the bundle does not list its beers, and none of the sources has the digest of its training data" in page


def test_measured_labels_are_kept_apart_and_a_request_id_finds_its_record(root, files, tmp_path):
    labels = write_labels(tmp_path / "labels", new_beers(6), joined=False)
    write_labels(labels, new_beers(5, seed=1), "measured")
    data = ["--data", files / "old.json", "--labels", labels, "--max-mae-increase", 99, "--max-coverage-loss", 1]
    assert refresh(root, *data, "--force") == 0
    page = (root / NAME / "2" / "report.md").read_text()
    assert "| label_without_inputs | 6 |" in page, "no records were given"
    assert refresh(root, *data, "--records", labels, "--force") == 0
    page = (root / NAME / "3" / "report.md").read_text()
    assert "6 used for training" in page and "5 labels are measured and not used for training" in page
    assert "On the 5 of them whose beers are in neither training" in page
    assert "The fresh beers are in 6 groups. With fewer than 10 they do not count." in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data", "nowhere.json"], "nowhere.json: cannot be read"),
        (["--data", "{old}", "--labels", "nowhere"], "nowhere"),
        (["--data", "{old}", "--out", "elsewhere"], "no version yet"),
    ],
)
def test_what_cannot_be_read_is_named(root, files, capsys, words, message):
    assert refresh(root, *(word.format(old=files / "old.json") for word in words)) == 1
    assert message in capsys.readouterr().err


def test_an_unloaded_model_has_nothing_to_compare_with(root, files, capsys):
    unload(root, NAME)
    assert refresh(root, "--data", files / "new.json") == 1
    assert "no version is active" in capsys.readouterr().err
