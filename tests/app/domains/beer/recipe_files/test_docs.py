"""docs/recipe-files.md says what each note means, and what is read of each sample."""

import re
from pathlib import Path

import pytest

from app.domains.beer.recipe_files import files
from app.domains.beer.recipe_files.files import read_recipes
from tests.known import REPOSITORY

DOCS = (REPOSITORY / "docs" / "recipe-files.md").read_text("utf-8")
SOURCES = sorted(Path(files.__file__).parent.glob("*.py"))
SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"
CODE = re.compile(r'notes\.add\(.*, "([a-z_]+)", ')
ROW = re.compile(r"^\| `([^`]+)` \| ([\d.]*) \|(?:[^|]*\|){3} (\d+)(.*)\|$", re.MULTILINE)


def test_every_note_is_documented() -> None:
    codes = {code for path in SOURCES for code in CODE.findall(path.read_text("utf-8"))}
    assert {"og_from_grain", "whirlpool", "malt_decimal_point", "decimal_comma"} <= codes and len(codes) > 25
    assert {code for code in codes if f"`{code}`" not in DOCS} == set()


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
def test_the_table_of_samples_is_what_is_read() -> None:
    rows = {name: (stated, int(notes), codes) for name, stated, notes, codes in ROW.findall(DOCS)}
    assert len(rows) == 9
    for name, (stated, notes, codes) in rows.items():
        (read,) = read_recipes((SAMPLES / name).read_bytes())
        assert ("" if read.stated_ibu is None else f"{read.stated_ibu:.1f}") == stated
        assert len(read.notes) == notes and set(re.findall("`([a-z_]+)`", codes)) == {note.code for note in read.notes}
