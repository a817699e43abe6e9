"""Signals before the program serves: each ends it as later, in good order and with exit code 0, or is ignored.

Without this, SIGTERM, SIGHUP and SIGUSR1 would end a starting program with an error, and Ctrl+C with a traceback.
"""

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
"""Signals that stop the program."""


def exit_on_signal(number: int, frame: FrameType | None) -> None:
    """Exit with code 0. Further signals do not disturb the exit."""
    disregard_further_signals()
    sys.exit(0)


def disregard_further_signals() -> None:
    """Let the signals that stop the program do nothing from now on.

    They get a handler first: one that has arrived already, and then is ignored by the system, makes Python print an
    error. At the exit they are ignored by the system, as Python takes its handlers away.
    """
    for stop in STOPPING:
        signal.signal(stop, _do_nothing)
    atexit.register(_ignore)


@contextmanager
def blocked_for_workers() -> Iterator[None]:
    """Start workers with the signals blocked that stop them, until they have handlers and call `unblock_signals`.

    Before, Ctrl+C, which goes to every process of a terminal, would end the import of a module with a traceback.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        unblock_signals()


def unblock_signals() -> None:
    """Let the signals arrive that `blocked_for_workers` has held back."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _ignore() -> None:
    for stop in STOPPING:
        signal.signal(stop, signal.SIG_IGN)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    pass


def _exit_at_once(number: int, frame: FrameType | None) -> None:
    os._exit(0)


def handle_early_signals(importing: bool = False) -> None:
    """Set the handlers for the time until the program serves. Workers inherit what is ignored.

    Args:
        importing: Whether the program only imports its modules. Then there is nothing to tidy up, and an exception
            would become an ImportError in an extension module.
    """
    for stop in STOPPING:
        signal.signal(stop, _exit_at_once if importing else exit_on_signal)
    if sys.platform != "win32":
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)


def restore_signals() -> None:
    """Undo `handle_early_signals`, for a command that serves nothing: a signal must not look like a success.

    If there is nothing to undo, signals that nohup or a shell has ignored stay ignored.
    """
    if signal.getsignal(signal.SIGTERM) not in (_exit_at_once, exit_on_signal):
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_DFL)
