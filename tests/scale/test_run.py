"""A job: its output and manifest, what a run finds done, and what it does again."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pyarrow
import pytest
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from app.batch.row import bad_file
from app.errors import ScoringError
from app.scoring import pieces
from app.scoring import plan as planning
from app.scoring.parts import Job, Receipt
from app.scoring.plan import Plan
from app.scoring.run import Counts, Engine, Task, in_this_process
from app.scoring.scorer import LoadedScorer, Model
from app.scoring.sources import UNREADABLE, Source, find_sources
from app.settings import ModelSettings
from tests.committed import committed
from tests.known import BEER
from tests.scale.jobs import Quiet, contents, errors, manifest, predictions, score
from tests.scale.jobs import beers as random_beers

HEADER = "id,abv,target_og,target_fg,ebc,ph\n"


def table(count: int) -> str:
    return HEADER + "".join(
        f"b{n},{4 + n % 50 / 10},{1040 + n % 30},{1010 + n % 7},{n % 60},4.4\n" for n in range(count)
    )


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts and blocks of some hundred rows."""
    monkeypatch.setattr(planning, "BLOCK_BYTES", 4_000)
    monkeypatch.setattr(planning, "PART_BYTES", 10_000)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files of several formats."""
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    (folder / "a.csv").write_text(table(2_000))
    (folder / "deeper" / "b.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps(row) + "\n" for row in random_beers(400)).encode(), mtime=0)
    )
    (folder / "_hidden.csv").write_text("no source")
    return folder


def stopping_after(loaded: LoadedScorer, count: int) -> Engine:
    """An engine that dies after so many parts."""

    def answer(job: Job, tasks: Sequence[Task], answered: Callable[[int], None]) -> Iterator[tuple[Plan, Receipt]]:
        for number, each in enumerate(in_this_process(loaded)(job, tasks, answered), 1):
            yield each
            if number == count:
                raise KeyboardInterrupt

    return answer


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_a_run_that_was_killed_is_continued_with_the_same_bytes(
    format: str, small_parts: None, folder: Path, tmp_path: Path, beers: LoadedScorer
) -> None:
    outcome = score(beers, [folder], tmp_path / "whole", format=format)
    assert outcome.done > 8
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        score(beers, [folder], out, format=format, engine=stopping_after(beers, 4))
    assert not (out / "manifest.json").exists()
    done = {name: (out / name).stat().st_mtime_ns for name in contents(out)}
    (out / "predictions" / ".x.parquet.7-ab.part").write_text("of a process that was killed")
    again = score(beers, [folder], out, format=format)
    assert (again.kept, again.done) == (4, outcome.done - 4)
    assert all((out / name).stat().st_mtime_ns == time for name, time in done.items())
    assert contents(out) == contents(tmp_path / "whole")
    assert again.counts == outcome.counts


def test_a_second_run_reads_and_writes_nothing(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    out = tmp_path / "out"
    first = score(beers, [folder], out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    (folder / "a.csv").chmod(0)
    second = score(beers, [folder], out)
    assert not second.is_new and (second.done, second.counts) == (0, first.counts)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times


def test_only_what_is_new_is_answered_and_what_is_outdated_is_deleted(
    small_parts: None, folder: Path, tmp_path: Path, beers: LoadedScorer
) -> None:
    out = tmp_path / "out"
    score(beers, [folder], out)
    (folder / "c.csv").write_text(table(10))
    (folder / "a.csv").write_text(table(30))
    outcome = score(beers, [folder], out)
    assert (outcome.done, outcome.counts.rows) == (2, 440)
    assert sum(len(part["predictions"]["file"]) > 0 for s in manifest(out)["sources"] for part in s["parts"]) == len(
        list((out / "predictions").iterdir())
    )
    score(beers, [folder], tmp_path / "fresh")
    assert contents(out) == contents(tmp_path / "fresh")


def test_the_sources_of_earlier_runs_stay(tmp_path: Path, beers: LoadedScorer) -> None:
    for name in "ab":
        (tmp_path / f"{name}.csv").write_text(table(10))
        score(beers, [tmp_path / f"{name}.csv"], tmp_path / "out")
    assert [Path(entry["source"]).name for entry in manifest(tmp_path / "out")["sources"]] == ["a.csv", "b.csv"]
    assert len(predictions(tmp_path / "out")) == 20


def test_the_manifest_has_digests_and_counts(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    (folder / "bad.csv").write_text(table(3) + "x,99,1050,1010,,\n")
    (folder / "note.txt").write_text("Cheers!")
    out = tmp_path / "out"
    outcome = score(beers, [folder], out, format="parquet")
    assert outcome.counts.unreadable == 1
    found = manifest(out)
    by_name = {Path(entry["source"]).name: entry for entry in found["sources"]}
    assert by_name["bad.csv"]["digest"] == f"sha256:{hashlib.sha256((folder / 'bad.csv').read_bytes()).hexdigest()}"
    assert [by_name["bad.csv"][name] for name in ("rows", "answered", "failed")] == [4, 3, 1]
    assert {model["name"]: model["sha256"] for model in by_name["bad.csv"]["models"]} == {
        name: digest for name, _, digest in beers.digests
    }
    (part,) = by_name["bad.csv"]["parts"]
    for file in part["predictions"], part["errors"]:
        data = (out / file["file"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    (line,) = (out / part["errors"]["file"]).read_text().splitlines()
    assert json.loads(line) == {
        "row": 4,
        "errors": [{"field": "abv", "code": "less_than_equal", "reason": "must be less than or equal to 70"}],
    }
    assert by_name["note.txt"]["is_readable"] is False
    assert found["counts"]["rows"] == sum(entry["rows"] for entry in found["sources"])


def test_the_same_rows_in_other_parts_have_the_same_answers(
    folder: Path, tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(beers, [folder / "a.csv"], tmp_path / "whole")
    monkeypatch.setattr(planning, "BLOCK_BYTES", 3_000)
    monkeypatch.setattr(planning, "PART_BYTES", 7_000)
    assert score(beers, [folder / "a.csv"], tmp_path / "parts").done > 5
    assert predictions(tmp_path / "parts") == predictions(tmp_path / "whole")


def test_parquet_and_csv_have_what_json_has(tmp_path: Path, beers: LoadedScorer) -> None:
    rows = random_beers(300, seed=5)
    (tmp_path / "beers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for format in "jsonl", "parquet", "csv":
        score(beers, [tmp_path / "beers.jsonl"], tmp_path / format, format=format)
    lines = predictions(tmp_path / "jsonl")
    columns = predictions(tmp_path / "parquet")
    (path,) = (tmp_path / "csv" / "predictions").iterdir()
    cells = arrow_csv.read_csv(path).to_pylist()
    assert len(lines) == len(columns) == len(cells) > 200
    for line, row, cell in zip(lines, columns, cells, strict=True):
        assert (row["row"], row["id"], row["ibu"], row["bu_gu"]) == tuple(
            line.get(name) for name in ("row", "id", "ibu", "bu_gu")
        )
        assert {name: row[name] for name in line["interval"]} == line["interval"]
        assert (row["model"], row["version"]) == tuple(line["model"].values())
        assert [told(warning) for warning in row["warnings"]] == line["warnings"]
        assert row["assumptions"] == line.get("assumptions", [])
        assert row["intervals"] == line.get("intervals", [])
        assert (row["tinseth"], row["physical"]) == tuple(line.get("estimates", {"a": None, "b": None}).values())
        style = line.get("style", {})
        assert (row["style_code"], row["style_low"]) == (style.get("code"), style.get("bitterness", {}).get("low"))
        assert (cell["ibu"], cell["lower"], cell["id"]) == (row["ibu"], row["lower"], row["id"])
        assert json.loads(cell["warnings"] or "[]") == line["warnings"]


def told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@pytest.mark.parametrize("name", ["ale.xml", "ale.json", "punk.json"])
def test_recipe_files_are_answered_as_by_the_cloud_function(
    name: str, samples: Path, tmp_path: Path, beers: LoadedScorer, domain: Any
) -> None:
    from app.batch.recipes import answer_recipe_file

    path = samples / name
    score(beers, [path], tmp_path / "out")
    expected = answer_recipe_file(domain, path.read_bytes(), lambda: 60.0)
    assert predictions(tmp_path / "out") == [json.loads(line) for line in expected.predictions.splitlines()]
    score(beers, [path], tmp_path / "columns", format="parquet")
    notes = [row["notes"] for row in predictions(tmp_path / "columns")]
    assert notes == [row["notes"] for row in predictions(tmp_path / "out")]


@pytest.mark.parametrize("codec", ["gzip", "zstd", "utf-16", "utf-8-sig"])
def test_text_is_decompressed_and_decoded(codec: str, small_parts: None, tmp_path: Path, beers: LoadedScorer) -> None:
    path = tmp_path / "beers"
    if codec in ("gzip", "zstd"):
        with pyarrow.output_stream(path, compression=codec) as file:
            file.write(table(900).encode())
    else:
        path.write_text(table(900), codec)
    (tmp_path / "plain").write_text(table(900))
    outcome = score(beers, [path], tmp_path / "out")
    assert (outcome.counts.answered, outcome.done > 1) == (900, True)
    score(beers, [tmp_path / "plain"], tmp_path / "expected")
    assert predictions(tmp_path / "out") == predictions(tmp_path / "expected")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"%PDF-1.7", "unsupported_format"),
        (b"PK\x03\x04xl/", "unsupported_format"),
        (b"PAR1 and no more", "parquet_invalid"),
        (gzip.compress(table(50_000).encode())[:-100], "gzip_invalid"),
        (b"\x28\xb5\x2f\xfd and no more", "zstd_invalid"),
        (b"abv,target_og\n5,1050\n", "missing"),
        (b"abv,target_og,target_fg\n5,1050,1010\n\xff,1,2\n", "not_utf8"),
        (b"[1, 2", "json_invalid"),
        (b"<recipes><recipe></recipes>", "xml_invalid"),
        (b"1,2\n3,4\n", "no_header"),
    ],
)
def test_a_file_that_cannot_be_read_has_one_error_and_stops_no_other(
    data: bytes, code: str, tmp_path: Path, beers: LoadedScorer
) -> None:
    (tmp_path / "bad").write_bytes(data)
    (tmp_path / "good.csv").write_text(table(5))
    outcome = score(beers, [tmp_path / "bad", tmp_path / "good.csv"], tmp_path / "out")
    assert (outcome.counts.unreadable, outcome.counts.answered, outcome.kept) == (1, 5, 0)
    assert [error["code"] for error in errors(tmp_path / "out")[0]] == [code]


def test_rows_of_tables_are_read_as_one_by_one(small_parts: None, tmp_path: Path, beers: LoadedScorer) -> None:
    from app.scoring.beer import BeerScorer

    pieces = ["b1, 5.5 ,1050,1010,,", ",,,,,", "b2,NA,1050,1010,na,4.4", '"b, 3",5,1050,1010,7,4.4', "b4,5,1050", ""]
    pieces += [
        '"two\nlines",5,1050,1010,7,4.4',
        "b5,1e1,+1050,.101e4,7,4.4",
        "b6,5,1.050,1.010,,",
        "b7,inf,1050,1010,,",
    ]
    pieces += [
        '"b""8",5,1050,1010,7,4.4',
        "b9,5,1050,1010,7,4.4,,",
        "b10,1 000,1050,1010,7,4",
        "   ",
        '5" pipe,5,1050,1010,,',
    ]
    text = HEADER + "".join(f"{piece}\n" for _ in range(60) for piece in pieces)
    (tmp_path / "beers.csv").write_text(text)
    outcome = score(beers, [tmp_path / "beers.csv"], tmp_path / "out")
    assert outcome.done > 1
    assert isinstance(beers.scorer, BeerScorer)
    expected = beers.scorer._transport.answer(text.encode(), lambda: 60.0)
    assert outcome.counts.rows == expected.rows
    assert predictions(tmp_path / "out") == [json.loads(line) for line in expected.predictions.splitlines()]
    lines = [json.loads(line) for line in expected.errors.splitlines()]
    assert errors(tmp_path / "out") == {line["row"]: line["errors"] for line in lines}


def test_a_decimal_comma_far_below_decides_how_all_numbers_are_read(
    small_parts: None, tmp_path: Path, beers: LoadedScorer
) -> None:
    rows = "".join("5;1050;1010\n" for _ in range(2_000))
    (tmp_path / "beers.csv").write_text(f"abv;target_og;target_fg\n{rows}5,5;1050;1010\n5.5;1050;1010\n")
    score(beers, [tmp_path / "beers.csv"], tmp_path / "out")
    found = errors(tmp_path / "out")
    assert {row: [each["code"] for each in problems] for row, problems in found.items()} == {2002: ["decimal_mark"]}


def test_columns_of_parquet_may_be_typed_in_any_way(tmp_path: Path, beers: LoadedScorer) -> None:
    hops = [{"name": "Magnum", "amount_g": 20.0, "boil_minutes": 60, "stage": None}]
    rows = pyarrow.table(
        {
            "Id": pyarrow.array([1, 2, 3, 4], pyarrow.int32()),
            "abv": pyarrow.array([5.5, None, float("nan"), 6], pyarrow.float32()),
            "target_og": pyarrow.array([1050, 1050, 1050, 1050], pyarrow.int16()),
            "target_fg": pyarrow.array(["1010", "1.010", "no", "1010"]),
            "hops": pyarrow.array([hops, None, None, []]),
            "hop1_name": pyarrow.array([None, None, None, None], pyarrow.string()),
            "ibu": [40, None, 1, 2],
        }
    )
    parquet.write_table(rows, tmp_path / "beers.parquet")
    score(beers, [tmp_path / "beers.parquet"], tmp_path / "out")
    found = {line["id"]: line for line in predictions(tmp_path / "out")}
    assert [line["model"]["name"] for line in found.values()] == ["beer-ibu-recipe", "beer-ibu", "beer-ibu-recipe"]
    assert found["2"]["assumptions"][0]["field"] == "abv"
    assert [each["code"] for each in errors(tmp_path / "out")[3]] == ["not_a_number"]


def test_patterns_and_folders_name_files_and_the_output_is_none(
    folder: Path, tmp_path: Path, beers: LoadedScorer
) -> None:
    out = folder / "deeper" / "out"
    assert score(beers, [folder, folder / "*.csv", folder / "**" / "*.gz"], out).counts.sources == 2
    assert score(beers, [folder], out).counts.sources == 2
    for missing in folder / "no.csv", folder / "*.parquet":
        with pytest.raises(ScoringError, match=missing.name.replace("*", r"\*")):
            score(beers, [missing], out)


def test_what_else_is_in_the_folder_of_the_output_stays(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    mine = folder / ".of another program.part"
    mine.touch()
    left = folder / ".manifest.json.7-ab.part"
    left.touch()
    assert score(beers, [folder / "a.csv"], folder).counts.answered == 2_000
    assert score(beers, [folder / "a.csv"], folder, format="csv").done == 1
    assert mine.exists() and (folder / "deeper" / "b.jsonl.gz").exists() and not left.exists()


def test_many_small_rows_are_read_some_thousands_at_a_time(tmp_path: Path, beers: LoadedScorer) -> None:
    from app.scoring.pieces import PIECE_ROWS, TABLE_ROWS, Reader

    count = 3 * TABLE_ROWS
    for name, data in (
        ("table", HEADER + "x,,,,,\n" * count),
        ("lines", '{"abv":5}\n' + "1\n" * count),
        ("array", "[" + "1," * count + "1]"),
    ):
        (tmp_path / name).write_text(data)
        (source,) = find_sources([str(tmp_path / name)], "")
        plan = planning.plan_source(source, beers.scorer.columns)
        with Reader(plan, beers.scorer.columns, beers.scorer.fields) as reader:
            sizes = [len(piece) for part in plan.parts for piece in reader.pieces(part)]
        assert sum(sizes) >= count
        assert max(sizes) <= (TABLE_ROWS if name == "table" else PIECE_ROWS)


def test_a_row_of_parquet_that_is_too_large_is_not_read(
    tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pyarrow.table({"name": ["x" * 40_000] * 2, "abv": [5, 5], "target_og": [1050] * 2, "target_fg": [1010] * 2})
    parquet.write_table(rows, tmp_path / "beers.parquet", use_dictionary=False)
    assert score(beers, [tmp_path / "beers.parquet"], tmp_path / "out").counts.answered == 2
    monkeypatch.setattr(pieces, "LIMITS", replace(planning.LIMITS, file_bytes=30_000))
    score(beers, [tmp_path / "beers.parquet"], tmp_path / "limited")
    assert [error["code"] for error in errors(tmp_path / "limited")[0]] == ["too_large"]
    wide = pyarrow.table({f"c{number}": [1] for number in range(1_001)})
    parquet.write_table(wide, tmp_path / "wide.parquet")
    score(beers, [tmp_path / "wide.parquet"], tmp_path / "wide")
    assert [error["code"] for error in errors(tmp_path / "wide")[0]] == ["too_many_columns"]


def test_a_recipe_file_for_another_model_stops_no_other(
    samples: Path, tmp_path: Path, model_settings: ModelSettings
) -> None:
    from app.scoring.scorer import load_scorer

    model = Model("iris")
    (tmp_path / "flowers.csv").write_text("sepal_length,sepal_width,petal_length,petal_width\n5,3,4,1\n")
    sources = [next(samples.glob("*.xml")), tmp_path / "flowers.csv"]
    counts = score(load_scorer(model_settings, model), sources, tmp_path / "out", model=model).counts
    assert (counts.answered, counts.unreadable) == (1, 1)


def test_a_source_that_changes_meanwhile_is_not_answered(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    def change(job: Job, tasks: Sequence[Task], answered: Callable[[int], None]) -> Iterator[tuple[Plan, Receipt]]:
        (folder / "a.csv").write_text(table(2_001))
        yield from in_this_process(beers)(job, tasks, answered)

    with pytest.raises(ScoringError, match="has changed"):
        score(beers, [folder / "a.csv"], tmp_path / "out", engine=change)
    assert not list((tmp_path / "out").glob("*/*.json*"))


def test_a_file_that_may_not_be_read_is_read_by_the_next_run(
    folder: Path, tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(source: Source) -> IO[bytes]:
        if source.name.endswith("a.csv"):
            raise bad_file(UNREADABLE, "cannot be read: Permission denied")
        return opened(source)

    opened = Source.open
    with monkeypatch.context() as context:  # root may read every file
        context.setattr(Source, "open", denied)
        assert score(beers, [folder], tmp_path / "out").counts.unreadable == 1
    outcome = score(beers, [folder], tmp_path / "out")
    assert (outcome.counts.unreadable, outcome.counts.rows) == (0, 2_400)
    score(beers, [folder], tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_the_rows_of_other_models_are_refused(
    folder: Path, tmp_path: Path, beers: LoadedScorer, model_settings: ModelSettings
) -> None:
    job_of_another = LoadedScorer(beers.scorer, (*beers.digests[:-1], ("beer-ibu-style", "1", "0" * 64)))

    def elsewhere(job: Job, tasks: Sequence[Task], answered: Callable[[int], None]) -> Iterator[tuple[Plan, Receipt]]:
        yield from in_this_process(job_of_another)(job, tasks, answered)

    with pytest.raises(ScoringError, match="digests"):
        score(beers, [folder], tmp_path / "out", engine=elsewhere)


def test_the_progress_counts_every_row(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    watch = Quiet()
    outcome = score(beers, [folder], tmp_path / "out", watch=watch)
    assert watch.rows == watch.total == outcome.counts.rows == 2_400


def test_an_earlier_version_answers_if_it_is_asked_for(tmp_path: Path) -> None:
    from app.scoring.scorer import load_scorer

    root = tmp_path / "models"
    for name in "beer-ibu", "beer-ibu-recipe", "beer-ibu-style":
        for version in "1", "2":
            shutil.copytree(committed(name, version), root / name / version)
    (tmp_path / "beers.jsonl").write_text(f"{json.dumps(BEER)}\n" * 3)
    model = Model(version="1")
    loaded = load_scorer(ModelSettings(model_uri=str(root)), model)
    score(loaded, [tmp_path / "beers.jsonl"], tmp_path / "out", model=model)
    assert {line["model"]["version"] for line in predictions(tmp_path / "out")} == {"1"}


def test_notes_of_an_earlier_run_that_are_damaged_are_made_again(
    small_parts: None, folder: Path, tmp_path: Path, beers: LoadedScorer
) -> None:
    out = tmp_path / "out"
    score(beers, [folder], out)
    whole = contents(out)
    (out / "manifest.json").unlink()
    receipt = next((out / "_receipts").glob("a.csv*"))
    receipt.write_text(receipt.read_text()[:-20])
    next((out / "predictions").glob("*00003*")).write_text("shorter")
    assert score(beers, [folder], out).done == 2
    (out / "_receipts" / "sources.json").write_text("{")
    assert score(beers, [folder], out).done == 0
    assert contents(out) == whole
    (out / "manifest.json").write_text('{"format_version": 1}')
    with pytest.raises(ScoringError, match="is not a manifest of this program"):
        score(beers, [folder], out)


def test_what_identifies_rows_may_be_of_any_kind(tmp_path: Path, beers: LoadedScorer) -> None:
    ids: list[Any] = [7, 2**63, 1.5, True, "", " ", "x", None]
    rows = [{"id": each, "name": "Ä", **BEER} for each in ids]
    (tmp_path / "beers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    score(beers, [tmp_path / "beers.jsonl"], tmp_path / "lines")
    assert [line.get("id") for line in predictions(tmp_path / "lines")] == ids
    score(beers, [tmp_path / "beers.jsonl"], tmp_path / "columns", format="parquet")
    told_as_text = ["7", "9223372036854775808", "1.5", "true", "", " ", "x", None]
    assert [row["id"] for row in predictions(tmp_path / "columns")] == told_as_text
    typed = pyarrow.table({"id": [1.5, None, float("nan")], **{name: [value] * 3 for name, value in BEER.items()}})
    parquet.write_table(typed, tmp_path / "beers.parquet")
    score(beers, [tmp_path / "beers.parquet"], tmp_path / "typed")
    assert [line.get("id") for line in predictions(tmp_path / "typed")] == ["1.5", None, None]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf", b"[]", b"abv,target_og,target_fg\n"])
def test_a_file_without_rows_is_no_fault(data: bytes, tmp_path: Path, beers: LoadedScorer) -> None:
    (tmp_path / "none").write_bytes(data)
    assert score(beers, [tmp_path / "none"], tmp_path / "out").counts == Counts(sources=1)
    assert not score(beers, [tmp_path / "none"], tmp_path / "out").is_new


def test_what_is_read_as_one_piece_is_bounded(
    small_parts: None, tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = json.dumps(BEER)
    long = json.dumps({"name": "x" * 50_000, **BEER})
    monkeypatch.setattr(planning, "LIMITS", replace(planning.LIMITS, file_bytes=40_000))
    monkeypatch.setattr(planning, "WHOLE_BYTES", 10_000)
    for name, data in (
        ("lines", f"{row}\n{long}\n"),
        ("array", f"[{row},{long}]"),
        ("table", table(9) + "x" * 50_000 + ",5,1050,1010,,\n"),
    ):
        (tmp_path / name).write_text(data)
        score(beers, [tmp_path / name], tmp_path / f"{name}-out")
        assert [error["code"] for error in errors(tmp_path / f"{name}-out")[0]] == ["too_large"]


def test_several_objects_on_a_line_are_rows(small_parts: None, tmp_path: Path, beers: LoadedScorer) -> None:
    row = json.dumps(BEER)
    (tmp_path / "beers").write_text(f"{row}{row} {row}\n\n{row}\n" * 100)
    outcome = score(beers, [tmp_path / "beers"], tmp_path / "out")
    assert (outcome.counts.rows, outcome.counts.answered) == (400, 400) and outcome.done > 1


def test_columns_of_parquet_with_one_name_are_refused(tmp_path: Path, beers: LoadedScorer) -> None:
    names = ["abv", "ABV", "target_og", "target_fg"]
    rows = pyarrow.Table.from_arrays([pyarrow.array([value]) for value in (5, 6, 1050, 1010)], names=names)
    for twice in rows, rows.rename_columns(["abv", *names[:1], *names[2:]]):
        parquet.write_table(twice, tmp_path / "beers.parquet")
        score(beers, [tmp_path / "beers.parquet"], tmp_path / "out")
        assert [error["code"] for error in errors(tmp_path / "out")[0]] == ["repeated_column"]


def test_another_format_or_version_is_another_job(folder: Path, tmp_path: Path, beers: LoadedScorer) -> None:
    out = tmp_path / "out"
    score(beers, [folder], out, format="jsonl")
    outcome = score(beers, [folder], out, format="csv")
    assert (outcome.done, outcome.kept) == (2, 0)
    assert {path.suffix for path in (out / "predictions").iterdir()} == {".csv"}
    score(beers, [folder], tmp_path / "fresh", format="csv")
    assert contents(out) == contents(tmp_path / "fresh")
    name, version, _ = beers.digests[0]
    trained_again = replace(beers, digests=((name, version, "0" * 64), *beers.digests[1:]))
    assert score(trained_again, [folder], out, format="csv").done == 2
