"""SECURITY.md: every promise names existing tests, and every bandit exception names its rule."""

import re

from tests.known import REPOSITORY

PAGE = (REPOSITORY / "SECURITY.md").read_text("utf-8")
PROMISES, _, THREATS = PAGE.partition("## Threat model")
ROWS = re.findall(r"^\| (.{20,}?) \| (.*) \|$", PROMISES, re.MULTILINE)
THREAT_ROWS = re.findall(r"^\| ([STRIDE]\d) \| (.+?) \| (.+?) \| (.+) \|$", THREATS, re.MULTILINE)
_LINK = re.compile(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)")


def test_each_promise_names_existing_tests() -> None:
    assert len(ROWS) > 12
    for promise, tests in ROWS:
        links = _LINK.findall(tests)
        assert links, promise
        for name, file in links:
            assert f"def {name}(" in (REPOSITORY / file).read_text("utf-8"), (promise, name)


def test_each_threat_names_existing_tests_or_is_not_prevented() -> None:
    assert {number[0] for number, *_ in THREAT_ROWS} == set("STRIDE")
    for number, _, answer, tests in THREAT_ROWS:
        links = _LINK.findall(tests)
        assert links or "not prevented" in answer, number
        for name, file in links:
            assert f"def {name}(" in (REPOSITORY / file).read_text("utf-8"), (number, name)


def test_each_bandit_exception_names_its_rule_and_no_rule_is_off() -> None:
    for package in "app", "training", "scripts":
        for path in (REPOSITORY / package).rglob("*.py"):
            for line in path.read_text("utf-8").splitlines():
                assert not re.search(r"#\s*nosec\b(?! B\d{3})", line), path
    assert "[tool.bandit" not in (REPOSITORY / "pyproject.toml").read_text("utf-8")
    assert not (REPOSITORY / ".bandit").exists()
    tox = (REPOSITORY / "tox.ini").read_text("utf-8")
    assert "\ncommands = bandit --quiet --recursive app training scripts\n" in tox
