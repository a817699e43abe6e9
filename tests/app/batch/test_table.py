"""Tables: separators, decimal marks, missing values, typed and numbered columns, and errors that name the column."""

from typing import Any

import pytest

from app.batch.columns import columns_of
from app.batch.row import Limits, Row
from app.batch.rows import read_rows
from app.batch.table import Table, complete_rows, table_records, table_rows, table_start
from app.domains.beer.schema import MAX_ADDITIONS, Beer
from app.errors import InputError

COLUMNS = columns_of(Beer, {"id": "verbatim", "name": "verbatim", "ibu": "number"})
TRAINING = columns_of(Beer, {"id": "verbatim"}, required=False, others_kept=True)
BEER = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0}
HEADER = "abv,target_og,target_fg"


def rows(text: str) -> list[Row]:
    return list(read_rows(text.encode(), COLUMNS))


def values(text: str) -> list[Any]:
    read = rows(text)
    assert not any(row.problems for row in read), read
    return [row.values for row in read]


def problems(text: str) -> list[tuple[str, str]]:
    """The problems of the only row, by column and code."""
    (row,) = rows(text)
    return [(problem.field, problem.code) for problem in row.problems]


def header_problems(text: str, columns: Any = COLUMNS) -> list[tuple[str, str, str]]:
    with pytest.raises(InputError) as caught:
        read_rows(text.encode(), columns)
    return [(problem.field, problem.code, problem.reason) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "abv,target_og,target_fg\n5.6,1056,1013",
        "abv;target_og;target_fg\n5.6;1056;1013",
        "abv;target_og;target_fg\n5,6;1056;1013",
        "abv;target_og;target_fg\n5,6;1056,0;1013,00",
        "abv\ttarget_og\ttarget_fg\n5,6\t1056\t1013",
        "abv|target_og|target_fg\n5.6|1056|1013",
        "sep=;\nabv;target_og;target_fg\n5,6;1056;1013",
        '"sep=,"\r\nabv,target_og,target_fg\r\n5.6,1056,1013',
        "SEP=\t\r\nabv\ttarget_og\ttarget_fg\r\n5.6\t1056\t1013",
        "ABV , Target OG,target-fg\n 5.6, 1056 ,1013.0",
        "abv,target_og,target_fg,,\n5.6,1056,1013,,\n,,,,\n",
        "abv,target_og,target_fg,,\n5.6,1056,1013,NA,-,,,\n",
        "abv,target_og,target_fg\r5.6,1056,1.013e3\r",
        '"abv","target_og","target_fg"\n"5.6","1056","1013"',
        '"abv", "target_og", "target_fg"\n"5.6", "1056", "1013"',
        ",,\n , ,\n\nabv,target_og,target_fg\n5.6,1056,1013",
    ],
)
def test_separators_decimal_marks_and_spellings_of_the_header_make_no_difference(text: str) -> None:
    assert values(text) == [BEER]


def test_the_decimal_mark_shows_at_the_first_number_that_has_one() -> None:
    plain = "5;1056;1013\n" * 200
    assert values("abv;target_og;target_fg\n" + plain + "5,6;1056;1013\n")[-1] == BEER
    assert values("abv;target_og;target_fg\n" + plain + "5.6;1056;1013\n")[-1] == BEER
    mixed = rows("abv;target_og;target_fg\n" + plain + "5,6;1056;1013\n5.6;1056;1013\n")[-1]
    assert [(problem.field, problem.code) for problem in mixed.problems] == [("abv", "decimal_mark")]


@pytest.mark.parametrize("word", ["", " ", "NA", "na", "N/A", "n/a", "#N/A", "null", "NULL", "None", "NaN", "nan", "-"])
def test_missing_values_have_many_words(word: str) -> None:
    header = f"{HEADER},ebc,ph,yeast,hop1_name,hop1_amount_g,hops,malts"
    assert values(f"{header}\n5.6,1056,1013" + f",{word}" * 7) == [BEER]
    (row,) = values(f"id,name,{HEADER}\n{word or 1},{word or 1},5.6,1056,1013")
    assert row == {**BEER, **({} if word == " " else {"id": word or "1", "name": word or "1"})}


def test_a_number_in_a_column_of_text_is_text() -> None:
    header = f"id,name,{HEADER},yeast,style,hop1_name,malt1_name"
    (row,) = values(f"{header}\n007,1664,5.6,1056,1013,1056,21,047,5.6")
    assert row == {
        **BEER,
        **{"id": "007", "name": "1664", "yeast": "1056", "style": "21"},
        **{"hops": [{"name": "047"}], "malts": [{"name": "5.6"}]},
    }


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("1_056", "not_a_number"),
        ("5 %", "not_a_number"),
        ("1.056 SG", "not_a_number"),
        ("inf", "not_a_number"),
        ("0x10", "not_a_number"),
        ("\u0661", "not_a_number"),
        ("five", "not_a_number"),
        ("\x1d1056", "not_a_number"),
        ("1'056", "thousands_separator"),
        ("1 056", "thousands_separator"),
        ("1\u202f056", "thousands_separator"),
        ('"1,056"', "thousands_separator"),
        ('"1,056.5"', "thousands_separator"),
        ('"5,6"', "decimal_mark"),
    ],
)
def test_what_is_no_number_is_an_error_of_its_column(cell: str, code: str) -> None:
    assert problems(f"{HEADER}\n5,{cell},1013") == [("target_og", code)]


@pytest.mark.parametrize(("cell", "code"), [("1.056", "thousands_separator"), ("1013.5", "decimal_mark")])
def test_a_point_among_decimal_commas_is_an_error(cell: str, code: str) -> None:
    assert problems(f"abv;target_og;target_fg\n5,6;{cell};1013") == [("target_og", code)]


def test_all_faults_of_a_row_are_reported_at_once() -> None:
    header = f"{HEADER},ebc,explain,malts"
    assert problems(f"{header}\nx,1_056,1013,NA,perhaps,[") == [
        ("abv", "not_a_number"),
        ("target_og", "not_a_number"),
        ("explain", "bool_type"),
        ("malts", "json_invalid"),
    ]


def test_a_hop_bill_is_a_cell_of_json_or_numbered_columns() -> None:
    hops = [{"name": "Magnum", "amount_g": 12.0, "boil_minutes": 60.0}, {"name": "Simcoe", "stage": "dry_hop"}]
    cell = '"[{""name"":""Magnum"",""amount_g"":12,""boil_minutes"":60},{""name"":""Simcoe"",""stage"":""dry_hop""}]"'
    bill = "hop1_name,hop1_amount_g,hop1_boil_minutes,hop2_name,hop03_name,hop3_stage"
    assert values(f"{HEADER},hops\n5.6,1056,1013,{cell}\n5.6,1056,1013,[]\n5.6,1056,1013,\n") == [
        {**BEER, "hops": hops},
        {**BEER, "hops": []},
        BEER,
    ]
    first, second = rows(f"{HEADER},{bill}\n5.6,1056,1013,Magnum,12,60,NA,Simcoe,dry_hop\n5.6,1056,1013,,,,,,\n")
    assert first == Row({**BEER, "hops": hops}, (), {"hops": [1, 3]})
    assert (first.column("hops.1.stage"), first.column("hops.0"), first.column("abv")) == ("hop3_stage", "hop1", "abv")
    assert second == Row(BEER)
    twice = '"[{""name"":""a"",""name"":""b""}]"'
    assert problems(f"{HEADER},hops\n5.6,1056,1013,{twice}") == [("hops", "repeated_key")]
    assert problems(f"{HEADER},hops,hop1_name\n5.6,1056,1013,[],Magnum") == [("hops", "given_twice")]


def test_an_unknown_column_is_an_error_of_the_header_once_it_has_values() -> None:
    assert values(f"{HEADER},brewer\n5.6,1056,1013,\n") == [BEER]
    text = f"brewer,{HEADER},hop{MAX_ADDITIONS + 1}_name\nAnn,5.6,1056,1013,Magnum\n"
    assert header_problems(text) == [
        ("brewer", "unknown_column", "is not a known column (it is the header's column 1)"),
        (f"hop{MAX_ADDITIONS + 1}_name", "unknown_column", "is not a known column (it is the header's column 5)"),
    ]
    late = rows(f"{HEADER},brewer\n" + "5.6,1056,1013,\n" * 100 + "5.6,1056,1013,Ann\n")[-1]
    assert [(problem.field, problem.code) for problem in late.problems] == [("brewer", "unknown_column")]


def test_a_column_without_a_name_is_an_error_that_names_its_position_once_it_has_values() -> None:
    assert values(f",{HEADER}\n,5.6,1056,1013\n") == [BEER]
    assert header_problems(f",{HEADER}\n0,5.6,1056,1013\n") == [
        ("column 1", "unnamed_column", "has values, but no name in the header")
    ]


def test_equal_and_missing_columns_are_errors_of_the_header() -> None:
    assert header_problems("abv,hop1_name,ABV,x,hop01_name,x\n1,2,3,,,") == [
        ("abv", "repeated_column", "is the name of the columns 1 and 3"),
        ("hop1_name", "repeated_column", "is the name of the columns 2 and 5"),
        ("x", "repeated_column", "is the name of the columns 4 and 6"),
        ("target_og", "missing", "is a required column, and the header does not have it (or target_og_plato)"),
        ("target_fg", "missing", "is a required column, and the header does not have it (or target_fg_plato)"),
    ]
    assert header_problems("5.6,1056,1013\n4,1040,1010")[0][:2] == ("file", "no_header")
    assert header_problems(",,\n" * 200 + HEADER)[0][1] == "no_header" and values(",,\n" * 99) == []
    assert header_problems("abv" + "," * 1000)[0][:2] == ("file", "too_many_columns")
    assert header_problems(f"sep=:\n{HEADER}\n1,2,3")[0][:2] == ("file", "separator")


def test_training_keeps_other_columns_and_requires_none_of_the_header() -> None:
    text = b"brewer,abv\nAnn,5.6\n"
    assert [row.values for row in read_rows(text, TRAINING)] == [{"brewer": "Ann", "abv": 5.6}]
    assert header_problems("brewer,colour\nAnn,5\n", TRAINING)[0][1] == "unsupported_format"
    assert header_problems(",abv\n0,5\n", TRAINING)[0][0] == "column 1"
    assert header_problems("abv,abv\n0,5\n", TRAINING)[0][1] == "repeated_column"


def test_a_row_with_too_many_cells_is_invalid_and_one_with_too_few_lacks_values() -> None:
    many, few = rows(f"{HEADER},ebc\n5,6,1056,1013,17\n5.6,1056,1013\n")
    assert [problem.code for problem in many.problems] == ["wrong_number_of_cells"] and many.values is None
    assert few == Row(BEER)


def test_rows_within_a_quote_that_is_not_closed_are_not_passed_over_in_silence() -> None:
    read = rows(f'{HEADER},name\n5.6,1056,1013,"A\n5.6,1056,1013,B\n')
    assert [problem.code for row in read for problem in row.problems] == ["csv_invalid"]


@pytest.mark.parametrize(
    "lines", ["sep=;\r\n\r\nABV;target_og;target_fg\r\n5,5;1050;1010\r\n", "target_og\n1050\n", ""]
)
def test_the_start_of_a_table_says_how_the_rest_is_read(lines: str) -> None:
    columns = columns_of(Beer, {}, required=False)
    start = table_start(lines.encode(), columns, Limits(), lambda: None)
    if not lines:
        assert start is None
        return
    assert start is not None
    rest = lines.encode()[start.size :]
    table = Table(start.header, columns, start.mark)
    rows = list(table.rows(table_records(rest, start.separator, Limits(), lambda: None)))
    assert rows == list(table_rows(lines.encode(), columns, Limits(), lambda: None))


def test_a_piece_of_a_table_ends_with_its_last_complete_row() -> None:
    whole = 'a,b\n,\n"Ä\n1",2\n\n5" pipe,3\n'.encode()
    for begin in (b"", b'x,"not yet', b'x,"\n'):
        assert complete_rows(whole + begin, ",", Limits(), lambda: None) == (len(whole), 3)
    assert complete_rows(b'"never\nclosed', ",", Limits(), lambda: None) == (0, 0)
