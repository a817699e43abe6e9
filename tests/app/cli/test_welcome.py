"""What the first start prints; tests/live/test_start.py has the program around it."""

import pytest

from app.cli.welcome import welcome


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0:81", "http://127.0.0.1:81"),
        ("[::]:81", "http://[::1]:81"),
        ("[fe80::1]:81", "http://[fe80::1]:81"),
    ],
)
def test_the_addresses_are_those_of_a_browser_on_this_machine(address: str, root: str) -> None:
    text = welcome(address, "the-key", has_page=True)
    assert f"\nOpen {root}/#key=the-key\n" in text and f" curl {root}/predict " in text


def test_without_a_terminal_or_a_page_no_key_is_shown() -> None:
    assert "Open http://127.0.0.1:8000/ in a browser" in welcome("127.0.0.1:8000", "", has_page=True)
    assert "Open" not in (text := welcome("127.0.0.1:8000", "the-key", has_page=False)) and "the-key" not in text
