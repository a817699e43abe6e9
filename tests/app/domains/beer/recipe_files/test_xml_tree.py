"""XML from strangers: what is hostile is rejected soon, and in little memory."""

import tracemalloc

import pytest

from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import RecipeFileError
from app.domains.beer.recipe_files.xml_tree import MAX_DEPTH, MAX_ELEMENTS, parse_xml

LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        (f'<!DOCTYPE R [<!ENTITY l0 "ha">{LAUGHS}]><R>&l9;</R>', "document_type"),
        (f'<!DOCTYPE R [<!ENTITY a "{"a" * 50_000}">]><R>{"&a;" * 50_000}</R>', "document_type"),
        ('<!DOCTYPE R [<!ENTITY f SYSTEM "file:///etc/passwd">]><R>&f;</R>', "document_type"),
        ('<!DOCTYPE R SYSTEM "http://localhost/evil.dtd"><R/>', "document_type"),
        ('<!DOCTYPE R [<!ENTITY % p SYSTEM "http://localhost/evil.dtd"> %p;]><R/>', "document_type"),
        ("<!DOCTYPE R><R/>", "document_type"),
        ("<R>&unheard;</R>", "unknown_entity"),
        ("<R>" + "<A/>" * (MEGABYTE // 4), "too_many_elements"),
        ("<A>" * (MEGABYTE // 3), "too_deep"),
        ("<R " + " ".join(f'a{i}=""' for i in range(100_000)) + "/>", "no_recipes"),
        ("<R>" + "a<!---->" * (MEGABYTE // 8) + "</R>", "no_recipes"),
        ("<R>" + "&lt;" * (MEGABYTE // 4) + "</R>", "no_recipes"),
        ("<R>" + "a" * MEGABYTE, "xml_invalid"),
        ("<" + "R" * MEGABYTE, "xml_invalid"),
        ("<R a='" + "b" * MEGABYTE, "xml_invalid"),
        ("<R></S>", "xml_invalid"),
        ("<RECIPES><RECIPE>" + "<X/>" * 40_000 + "<HOPS>" + "<HOP/>" * 9_000 + "</HOPS></RECIPE></RECIPES>", None),
        ("<RECIPES>" + "<X/>" * 49_000 + "<RECIPE><HOPS><HOP/></HOPS></RECIPE>" * 100 + "</RECIPES>", None),
    ],
)  # fmt: skip
def test_hostile_xml_is_a_problem_in_bounded_memory(contents: str, code: str | None) -> None:
    document = contents.encode()
    tracemalloc.start()
    try:
        read = read_recipes(document)
        assert code is None and all(recipe.error for recipe in read)
    except RecipeFileError as error:
        assert error.code == code
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 40 * MEGABYTE


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("UTF-8", b"<R>\xff</R>"),
        ("UTF-16", b"<R/>"),
        ("utf-7", b"<R>+ADw-</R>"),
        ("punycode", b"<R>\xff</R>"),
        ("unicode_escape", b"<R>\xff</R>"),
        ("zlib_codec", b"<R/>"),
        ("no-such-encoding", b"<R/>"),
        ("gbk", b"<R>\xff</R>"),
        ("iso-2022-jp", b"<R>\x1b$\x00</R>"),
    ],
)
def test_a_wrong_or_unknown_encoding_is_a_problem(head: str, body: bytes) -> None:
    with pytest.raises(RecipeFileError) as raised:
        read_recipes(f'<?xml version="1.0" encoding="{head}"?>'.encode() + body)
    assert raised.value.code in ("unknown_encoding", "xml_invalid", "no_recipes")


def test_the_bounds_are_far_from_real_files() -> None:
    depth = "<A>" * MAX_DEPTH + "</A>" * MAX_DEPTH
    assert parse_xml(depth.encode()).path == "/A"
    assert len(parse_xml(b"<R>" + b"<A/>" * (MAX_ELEMENTS - 1) + b"</R>").children) == MAX_ELEMENTS - 1


def test_paths_and_texts() -> None:
    root = parse_xml(b"<R><HOPS> <HOP>a</HOP></HOPS><B>1</B><B>2 &lt;<![CDATA[ 3]]>&ouml;</B><C>x<D/>y</C></R>")
    paths = [(child.path, child.text) for child in root.children]
    assert paths == [("/R/HOPS", ""), ("/R/B[1]", "1"), ("/R/B[2]", "2 < 3ö"), ("/R/C", "")]
    assert root.children[0].children[0].path == "/R/HOPS/HOP[1]"
