"""How long and how large the page is, for docs/page.md: `pytest -m nightly -s tests/live/page/test_speed.py`."""

import json
from statistics import quantiles

import pytest

from tests.known import KEY
from tests.live.program import Program
from tests.live.wire import exchange, request

pytestmark = [pytest.mark.browser, pytest.mark.nightly]
pytest.importorskip("selenium", reason="selenium is not installed")

from tests.live.page.steps import Page, both_browsers  # noqa: E402

KEYSTROKES = 60
TYPED = """
const [keystrokes, done] = arguments;
const input = document.querySelector('[data-focus="hops.0.amount"]');
const frame = () => new Promise(requestAnimationFrame);
(async () => {
  const took = [];
  for (let index = 0; index < keystrokes; index += 1) {
    const shown = document.querySelector("#ibu").textContent;
    input.value = 20 + 10 * (index % 2);
    const start = performance.now();
    input.dispatchEvent(new Event("input", {bubbles: true}));
    while (document.querySelector("#ibu").textContent === shown) await frame();
    await frame();
    took.push(performance.now() - start);
  }
  done(took);
})();
"""
"""Types amounts, and measures the time until the frame after the one that shows the answer, milliseconds."""


@both_browsers
def test_every_keystroke_is_answered(page: Page, program: Program) -> None:
    page.example()
    took = page.browser.execute_async_script(TYPED, KEYSTROKES)
    assert len(took) == KEYSTROKES
    cuts = quantiles(took, n=20)
    print(f"\nkeystroke to drawn answer: p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms, 150 ms of it stillness")


def test_all_files_are_counted(page: Page, program: Program) -> None:
    names = json.loads(
        page.browser.execute_script(
            "return JSON.stringify(performance.getEntriesByType('resource').map((entry) => entry.name))"
        )
    )
    paths = sorted({name.removeprefix(page.address[:-1]) for name in names if "/page/" in name} | {"/"})
    headers = [("Accept-Encoding", "gzip"), ("Accept", "text/html"), ("X-API-Key", KEY)]
    bodies = [exchange(program.port(), request("GET", path, headers)).body for path in paths]
    assert all(bodies)
    print(f"\n{len(bodies)} files, {sum(map(len, bodies)) / 1000:.1f} kB compressed")
