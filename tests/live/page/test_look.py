"""How the brewer's page fits: narrow, on paper, in each language, for people who do not see it."""

import base64
import io
import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from tests.known import REPOSITORY

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.common.print_page_options import PrintOptions  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

from tests.live.page.axe import needs_axe, violations  # noqa: E402
from tests.live.page.steps import TABS, Page, both_browsers  # noqa: E402

TEXTS = REPOSITORY / "app" / "page" / "texts"
LANGUAGES = ("en", "de", "pt")


def texts(language: str) -> Mapping[str, str]:
    """Return the texts of a language by key."""
    source = (TEXTS / f"{language}.js").read_text("utf-8")
    found = re.findall(r'^  (?:"([^"]+)"|(\w+)):\s+("(?:[^"\\]|\\.)*"),$', source, re.MULTILINE)
    return {quoted or plain: json.loads(text) for quoted, plain, text in found}


def test_every_language_has_every_text_with_the_same_values_in_it() -> None:
    english = texts("en")
    assert len(english) > 200
    for language in LANGUAGES[1:]:
        translated = texts(language)
        assert translated.keys() == english.keys()
        for key, text in translated.items():
            assert text.strip() and set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_nothing_on_the_page_is_a_text_without_translation() -> None:
    english = texts("en")
    for path in [TEXTS.parent / "index.html", *TEXTS.parent.glob("js/*.js")]:
        source = path.read_text("utf-8")
        named = re.findall(r'\bt\("([^"]+)"|data-t(?:-label|-title)?="([^"]+)"', source)
        assert {one or other for one, other in named} <= english.keys(), path


@pytest.mark.parametrize(
    ("page_at", "language", "width"),
    [
        ("browser", "en", 360),
        ("browser", "de", 360),
        ("browser", "pt", 360),
        ("browser", "en", 640),
        ("firefox", "de", 360),
    ],
    indirect=["page_at"],
)
def test_nothing_scrolls_sideways_on_a_phone_or_at_200_percent(page: Page, language: str, width: int) -> None:
    page.example()
    if language != "en":
        Select(page.one("#language")).select_by_value(language)
    page.until(lambda: page.all(f"html.started[lang={language}]") and page.text("#ibu") != "–")
    assert ("," if language != "en" else ".") in page.text("#ibu")
    page.size(width, 740)
    for tab in TABS:
        page.tab(tab)
        if tab == "why":
            page.until(lambda: page.all("#why .bars"))
        if tab == "target":
            page.field("target.solve").send_keys(Keys.ENTER)
            page.until(lambda: page.all("#solution table"))
        assert page.browser.execute_script("return document.documentElement.scrollWidth") <= width, tab
        beyond = page.browser.execute_script(
            "return [...document.querySelectorAll('main *, header *')].filter((e) => e.checkVisibility() &&"
            " !e.closest('svg, .hidden, [role=tabpanel] .options') && e.getBoundingClientRect().width > 1 &&"
            " e.getBoundingClientRect().right > arguments[0] + 1).map((e) => e.outerHTML.slice(0, 120))",
            width,
        )
        assert beyond == [], tab


@needs_axe
@pytest.mark.parametrize(
    ("page_at", "dark"),
    [("browser", False), ("browser", True), ("firefox", False)],
    ids=["light", "dark", "firefox"],
    indirect=["page_at"],
)
def test_no_state_of_the_page_keeps_anyone_out(page: Page, dark: bool) -> None:
    page.size(1280, 900, dark=dark)
    assert violations(page.browser) == []
    page.example()
    page.field("hops.0.more").click()
    page.type("hops.2.amount", "many")
    page.until(lambda: page.all("#answer.stale"))
    assert violations(page.browser) == []
    page.type("hops.2.amount", "60")
    page.until(lambda: not page.all("#answer.stale"))
    page.one("#pin").click()
    for tab in TABS:
        page.tab(tab)
        if tab == "why":
            page.until(lambda: page.all("#why .bars"))
        if tab == "target":
            page.field("target.solve").send_keys(Keys.ENTER)
            page.until(lambda: page.all("#solution table"))
        if tab == "brewery":
            page.type("brewery.ibu", "40")
            page.one(".own-form .main").click()
            page.until(lambda: page.all(".own li"))
        assert violations(page.browser) == [], tab


def test_the_page_is_pictured_wide_dark_and_narrow(page: Page, tmp_path: Path) -> None:
    page.example()
    page.browser.execute_script("document.activeElement.blur()")
    folder = Path(os.environ.get("PAGE_PICTURES") or tmp_path)
    for name, width, height, dark in (
        ("page", 1280, 860, False),
        ("page-dark", 1280, 860, True),
        ("page-narrow", 360, 740, False),
    ):
        page.size(width, height, dark=dark)
        page.until(lambda: page.all("#plot .dots circle"))
        with Image.open(io.BytesIO(page.browser.get_screenshot_as_png())) as image:
            image.convert("RGB").quantize(48).save(folder / f"{name}.png", optimize=True)
        assert 5_000 < (folder / f"{name}.png").stat().st_size < 100_000


@both_browsers
def test_the_recipe_prints_as_one_sheet(page: Page, tmp_path: Path) -> None:
    page.example()
    paper = PrintOptions()
    paper.page_width, paper.page_height = 21.0, 29.7
    document = base64.b64decode(page.browser.print_page(paper))
    (tmp_path / "sheet.pdf").write_bytes(document)
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    objects = [document, *(zlib.decompress(each) for each in streams if each.startswith(b"\x78"))]
    assert len(re.findall(rb"/Type\s*/Page\b", b"".join(objects))) == 1
    sheet = page.text("#sheet")
    assert "American IPA" in sheet and "Magnum" in sheet and f"{page.ibu()} IBU" in sheet
