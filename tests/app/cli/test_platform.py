"""Arguments of ``python -m app poll`` and ``transform``; tests/cloud has what the commands do."""

import argparse
import signal
import time

import pytest

from app.cli import platform
from app.cli.platform import add_commands
from app.errors import ObjectsError

API = "https://punkapi.example/v2"


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_commands(parser.add_subparsers())
    return parser


def test_a_poll_reads_all_beers_once_unless_it_is_told_otherwise(parser: argparse.ArgumentParser) -> None:
    arguments = parser.parse_args(["poll", API, "--to", "s3://beers/"])
    assert (arguments.api, arguments.to, arguments.beers, arguments.every) == (API, "beers", "all", None)
    assert parser.parse_args(["transform", "s3://beers", "--every", "0.5"]).every == 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["transform", "beers"], "must be s3://BUCKET"),
        (["transform", "s3://beers/raw"], "must be s3://BUCKET"),
        (["transform", "s3://"], "must be s3://BUCKET"),
        (["poll", "ftp://punkapi.example", "--to", "s3://beers"], "must be an address that begins with https://"),
        (["poll", "http://", "--to", "s3://beers"], "must be an address that begins with https://"),
        (["poll", "http://[", "--to", "s3://beers"], "argument API: "),
        *(
            (["transform", "s3://beers", f"--every={seconds}"], "must be a number above 0")
            for seconds in ("0", "-1", "nan", "inf", "1e300", "x")
        ),
    ],
)
def test_impossible_arguments_are_named(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(words)
    assert message in capsys.readouterr().err


def test_a_round_that_fails_is_tried_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll of once a day does not lose a day because the API was down for a minute."""
    pauses: list[float] = []
    outcomes = iter([ObjectsError("down"), None, None])

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise KeyboardInterrupt

    def round_of() -> None:
        if outcome := next(outcomes):
            raise outcome

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        platform._repeat(round_of, 86_400.0)
    assert pauses == [300.0, 86_400.0, 86_400.0]
