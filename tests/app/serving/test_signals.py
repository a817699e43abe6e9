"""Signals before the program serves, and of its commands."""

import signal
from collections.abc import Iterator

import pytest

from app.serving.signals import handle_early_signals, restore_signals

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers of this process, as they were."""
    before = {number: signal.getsignal(number) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_command_leaves_what_nohup_ignores_ignored() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    restore_signals()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.parametrize("importing", [True, False])
def test_a_command_undoes_the_handlers_of_the_start(importing: bool) -> None:
    handle_early_signals(importing)
    restore_signals()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert {signal.getsignal(number) for number in NUMBERS[1:]} == {signal.SIG_DFL}
