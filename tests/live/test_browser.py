"""The page /docs in a headless Chromium: authorize, send a request, read the response."""

import json
import os
from pathlib import Path

import pytest

from tests.known import KEY
from tests.live.program import Program
from tests.live.wire import request
from tests.pictures import encoded, synthetic_image

pytestmark = pytest.mark.browser
pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import Chrome  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.expected_conditions import (  # noqa: E402
    presence_of_element_located,
)
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

from tests.live.browser import PATIENCE, authorize, clickable, execute  # noqa: E402


def test_the_page_shows_both_examples_and_the_answers_of_both_models(
    browser: Chrome, program: Program, tmp_path: Path
) -> None:
    block = "[id='operations-default-predict']"
    browser.get(f"http://127.0.0.1:{program.port()}/docs")
    authorize(browser, KEY)

    clickable(browser, f"{block} .opblock-summary-control").click()
    examples = Select(clickable(browser, f"{block} .examples-select select"))
    names = [option.text for option in examples.options]
    assert len(names) == 2 and all(option.rect["height"] > 10 for option in examples.options)
    for name, model in zip(names, ("beer-ibu", "beer-ibu-recipe"), strict=True):
        examples.select_by_visible_text(name)
        example = clickable(browser, f"{block} textarea").get_attribute("value")
        for earlier in browser.find_elements(By.CSS_SELECTOR, f"{block} .btn-clear"):
            earlier.click()
        document = json.loads(execute(browser, block))
        status = browser.find_element(By.CSS_SELECTOR, ".live-responses-table .response .response-col_status")
        assert status.text.startswith("200")
        answer = program.send(request("POST", "/predict", [("X-API-Key", KEY)], (example or "").encode()))
        assert document == answer.json and document["model"]["name"] == model
        assert document["interval"]["lower"] <= document["ibu"] <= document["interval"]["upper"]

    # The screenshot must not show the key, which the curl line contains. It shows only the request and the response.
    browser.execute_script(
        "const block = document.querySelector('#operations-default-predict');"
        "for (const part of ['.curl-command', '.request-url', '.opblock-description-wrapper', '.view-line-link'])"
        "  block.querySelector(part).remove();"
        "block.querySelector('textarea').style = 'min-height: 0; height: 180px';"
        "block.scrollIntoView()"
    )
    browser.set_window_size(1280, 1400)
    picture = Path(os.environ.get("DOCS_PICTURE") or tmp_path / "docs.png")
    assert browser.save_screenshot(str(picture))
    browser.set_window_size(1280, 1043)
    assert 10_000 < picture.stat().st_size < 200_000


def test_the_page_uploads_an_image(browser: Chrome, program: Program, tmp_path: Path) -> None:
    photo = Path(os.environ.get("DOCS_PHOTO") or tmp_path / "picture.jpg")
    if not photo.exists():
        photo.write_bytes(encoded(synthetic_image(3), "JPEG"))
    block = "[id='operations-default-predict_pet']"
    browser.get(f"http://127.0.0.1:{program.port()}/docs")
    authorize(browser, KEY)

    clickable(browser, f"{block} .opblock-summary-control").click()
    media_types = Select(clickable(browser, f"{block} .opblock-section-request-body select"))
    media_types.select_by_visible_text("multipart/form-data")
    file = WebDriverWait(browser, PATIENCE).until(
        presence_of_element_located((By.CSS_SELECTOR, f"{block} input[type=file]"))
    )
    file.send_keys(str(photo))
    shown = execute(browser, block)
    document = json.loads(shown)
    headers = [("X-API-Key", KEY), ("Content-Type", "image/jpeg")]
    assert document == program.send(request("POST", "/pets/predict", headers, photo.read_bytes())).json

    browser.execute_script(
        "const block = document.querySelector(arguments[0]);"
        "for (const part of ['.curl-command', '.request-url', '.opblock-description-wrapper', '.view-line-link'])"
        "  block.querySelector(part).remove();"
        "block.scrollIntoView()",
        block,
    )
    picture = Path(os.environ.get("DOCS_PETS_PICTURE") or tmp_path / "pets.png")
    assert browser.save_screenshot(str(picture))


def test_the_browser_reports_no_errors(browser: Chrome, program: Program) -> None:
    browser.get_log("browser")  # drops what the pages of other tests have logged
    browser.get(f"http://127.0.0.1:{program.port()}/docs")
    clickable(browser, ".auth-wrapper .authorize")
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
    assert len(loaded) >= 4
    assert all(name.startswith((f"http://127.0.0.1:{program.port()}/", "data:")) for name in loaded)
    assert [line for line in browser.get_log("browser") if line["level"] in ("SEVERE", "WARNING")] == []


def test_addresses_without_a_page_lead_to_the_documentation(browser: Chrome, program: Program, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{program.port()}"
    browser.get(f"{address}/pets/predict")
    assert browser.find_element(By.TAG_NAME, "h1").text == "401 Not authenticated"
    assert browser.save_screenshot(str(tmp_path / "page.png"))
    lines = [line["message"] for line in browser.get_log("browser")]
    assert all(" 401 " in line for line in lines), lines  # no rule of its Content-Security-Policy is broken
    browser.find_element(By.TAG_NAME, "a").click()
    assert browser.current_url == f"{address}/docs"
