"""SECURITY.md: every promise names tests that are there, and no exception from bandit is a blanket one."""

import re

from tests.known import REPOSITORY

PAGE = (REPOSITORY / "SECURITY.md").read_text("utf-8")
ROWS = re.findall(r"^\| (.{20,}?) \| (.*) \|$", PAGE, re.MULTILINE)
_LINK = re.compile(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)")


def test_each_promise_is_held_by_tests_that_are_there() -> None:
    assert len(ROWS) > 12
    for promise, held_by in ROWS:
        links = _LINK.findall(held_by)
        assert links, promise
        for name, file in links:
            assert f"def {name}(" in (REPOSITORY / file).read_text("utf-8"), (promise, name)


def test_each_exception_from_bandit_has_its_number_and_no_rule_is_off() -> None:
    for room in "app", "training", "scripts":
        for path in (REPOSITORY / room).rglob("*.py"):
            for line in path.read_text("utf-8").splitlines():
                assert not re.search(r"#\s*nosec\b(?! B\d{3})", line), path
    assert "[tool.bandit" not in (REPOSITORY / "pyproject.toml").read_text("utf-8")
    assert not (REPOSITORY / ".bandit").exists()
    tox = (REPOSITORY / "tox.ini").read_text("utf-8")
    assert "\ncommands = bandit --quiet --recursive app training scripts\n" in tox
