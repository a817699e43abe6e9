"""A table in pieces has the rows that it has as a whole, whatever its quotes, blanks and ends of lines."""

import json
import random
from pathlib import Path

import pytest

from app.batch.row import Limits
from app.batch.table import complete_rows, table_records
from app.scoring import plan as planning
from app.scoring.beer import BeerScorer
from app.scoring.plan import _plain_rows, has_plain_quotes
from app.scoring.scorer import LoadedScorer
from tests.scale.jobs import beers as random_beers
from tests.scale.jobs import errors, predictions, score

SIGNS = ["a", "1", '"', ",", ";", "\n", "\r\n", "\r", " ", "\t", "Ä", "\u00a0", '"x"', '""', ",,", '"b c"']
CELLS = [
    "5.5",
    "1050",
    "1010",
    "",
    "",
    "NA",
    "n/a",
    "1.05",
    " 7 ",
    '"4.4"',
    '""',
    "x",
    "1e3",
    "-1",
    "5,5",
    '"a,b"',
    '"',
] * 3
CELLS += ['"two\nlines"', '"a ""b"""', "\u00a0", "Ä", "1 000", "inf", "nan", "1_0", "0x1", ".5", "5.", "+5"]
COLUMNS = ["id", "name", "abv", "ebc", "srm", "ph", "ibu", "hop1_name", "hop1_amount_g", "style", "other"]


def test_rows_of_pieces_are_counted_as_they_are_read() -> None:
    chance = random.Random(3)
    plain = 0
    for _ in range(5_000):
        end = chance.choice(["", "\n"])
        piece = ("".join(chance.choices(SIGNS, k=chance.randint(1, 14))) + end).encode()
        for separator in ",;":
            if not has_plain_quotes(piece, separator):
                continue
            plain += 1
            rows = table_records(piece, separator, Limits(), lambda: None)
            expected = sum(cells is None or any(cell.strip() for cell in cells) for cells in rows)
            assert _plain_rows(piece, separator) == expected, piece
            assert complete_rows(piece, separator, Limits(), lambda: None)[1] == expected, piece
    assert plain > 1_000


@pytest.mark.parametrize("separator", [",", ";"])
def test_random_tables_are_answered_as_one_by_one(
    separator: str, tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(beers.scorer, BeerScorer)
    monkeypatch.setattr(planning, "BLOCK_BYTES", 120)
    monkeypatch.setattr(planning, "PART_BYTES", 400)
    chance = random.Random(separator)
    answered = 0
    for number in range(60):
        names = ["target_og", "target_fg", *chance.sample(COLUMNS, chance.randint(0, 5))]
        lines = [separator.join(names)]
        for _ in range(chance.randint(0, 12)):
            plain = chance.random() < 0.5
            cells = ["1050", "1010"] if plain else chance.choices(CELLS, k=2)
            cells += chance.choices(CELLS[: 6 if plain else None], k=len(names) - 2)
            lines.append(
                separator.join(cells[: len(names) if chance.random() < 0.9 else chance.randint(0, len(names))])
            )
        end = chance.choice(["\n", "\r\n"])
        data = (end.join(lines) + chance.choice(["", end, end * 3])).encode()
        source, out = tmp_path / f"{number}.csv", tmp_path / f"out-{number}"
        source.write_bytes(data)
        counts = score(beers, [source], out).counts
        expected = beers.scorer._transport.answer(data, lambda: 60.0)
        assert predictions(out) == [json.loads(line) for line in expected.predictions.splitlines()], data
        found = [json.loads(line) for line in expected.errors.splitlines()]
        assert errors(out) == {line["row"]: line["errors"] for line in found}, data
        assert counts.rows == expected.rows
        answered += counts.answered
    assert answered > 50


def test_a_large_array_is_read_in_parts(tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_beers(300, seed=4)
    rows[7]["name"] = 'a "quoted" ], [ { \\ name, 日本'
    data = json.dumps(rows, indent=1, ensure_ascii=False).encode()
    (tmp_path / "beers.json").write_bytes(b" \n" + data + b"\n ")
    score(beers, [tmp_path / "beers.json"], tmp_path / "whole")
    monkeypatch.setattr(planning, "WHOLE_BYTES", 1_000)
    for size in 500, 4_001:
        monkeypatch.setattr(planning, "BLOCK_BYTES", size)
        monkeypatch.setattr(planning, "PART_BYTES", 9_000)
        out = tmp_path / f"out-{size}"
        assert score(beers, [tmp_path / "beers.json"], out).done > 3
        assert predictions(out) == predictions(tmp_path / "whole")
        assert errors(out) == errors(tmp_path / "whole")


@pytest.mark.parametrize("end", [b"", b",]", b"]]", b"] x", b'"]', b"}]"])
def test_a_large_array_that_is_damaged_has_an_error(
    end: bytes, tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "WHOLE_BYTES", 1_000)
    data = json.dumps(random_beers(100, seed=4)).encode()[:-1] + end
    (tmp_path / "beers.json").write_bytes(data)
    assert score(beers, [tmp_path / "beers.json"], tmp_path / "out").counts.unreadable == 1
    assert [each["code"] for each in errors(tmp_path / "out")[0]] == ["json_invalid"]


def test_numbers_that_are_none_are_errors_of_their_rows(tmp_path: Path, beers: LoadedScorer) -> None:
    beer = '{"target_og": 1050, "target_fg": 1010, "abv": %s}'
    values = ["5", "NaN", "null", "true", '"5"', "Infinity", "1" + "0" * 400, "9007199254740993", "5.5", "[]"]
    (tmp_path / "beers.jsonl").write_text("".join(beer % value + "\n" for value in values))
    score(beers, [tmp_path / "beers.jsonl"], tmp_path / "out")
    assert [line["row"] for line in predictions(tmp_path / "out")] == [1, 3, 9]
    codes = {row: problems[0]["code"] for row, problems in errors(tmp_path / "out").items()}
    assert codes == {
        2: "finite_number",
        4: "float_type",
        5: "float_type",
        6: "finite_number",
        7: codes[7],
        8: "less_than_equal",
        10: "float_type",
    }
