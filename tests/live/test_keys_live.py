"""The key file, scopes, rates and wrong keys on the running program."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.access.key_file import KeyFile, change_keys
from tests.keys import make_key
from tests.known import KEY
from tests.live.program import Program, Start, environment
from tests.live.wire import Answer, request
from tests.redis_server import PATIENCE, Redis

APP = (sys.executable, "-m", "app")


def keys(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run ``python -m app keys`` on the key file of a folder. Return stdout, or stderr if a failure is expected."""
    completed = subprocess.run(
        [*APP, "keys", *arguments],
        cwd=folder,
        env=environment(API_KEYS_FILE="keys.json"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert completed.returncode == code, completed.stderr
    assert "Traceback" not in completed.stderr
    return completed.stderr if code else completed.stdout


def ask(program: Program, key: str, path: str = "/model", *more: tuple[str, str]) -> Answer:
    """Send a GET request with a key."""
    return program.send(request("GET", path, [("X-API-Key", key), *more]))


def within_a_second(condition: Callable[[], bool]) -> None:
    """Assert that a condition becomes true within a second."""
    deadline = time.monotonic() + 1.0
    while not condition():
        assert time.monotonic() < deadline


@pytest.fixture
def keyed(start: Start, tmp_path: Path) -> tuple[Program, str]:
    """A program with a key file of one key, and that key."""
    key = make_key(tmp_path / "keys.json", "first", scopes={"predict", "metrics"})
    program = start(API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json", AUTH_FAILURES_PER_MINUTE="0")
    program.port()
    return program, key


def test_the_commands_create_list_and_revoke_a_key(tmp_path: Path) -> None:
    printed = keys(tmp_path, "create", "--name", "first")
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", printed)
    name = keys(tmp_path, "list").split()[0]
    assert keys(tmp_path, "revoke", name) == ""
    assert keys(tmp_path, "list") == ""
    assert name in keys(tmp_path, "revoke", name, code=2)


def test_keys_of_the_file_and_of_the_settings_are_accepted(keyed: tuple[Program, str]) -> None:
    program, key = keyed
    assert [ask(program, value).status for value in (key, KEY, key[:-1])] == [200, 200, 401]
    line = next(x for x in program.lines('"key_id": "first"') if x.get("key_id") == "first")
    assert line["route"] == "/model"


@pytest.mark.alone
def test_changes_of_the_file_take_effect_within_a_second_without_a_restart(
    keyed: tuple[Program, str], tmp_path: Path
) -> None:
    program, first = keyed
    second = make_key(tmp_path / "keys.json", "second")
    within_a_second(lambda: ask(program, second).status == 200)
    change_keys(tmp_path / "keys.json", lambda old: KeyFile(keys=old.keys[1:]))
    within_a_second(lambda: ask(program, first).status == 401)
    assert ask(program, second).status == 200


@pytest.mark.alone
def test_a_broken_file_keeps_the_last_good_keys_and_is_logged(keyed: tuple[Program, str], tmp_path: Path) -> None:
    program, key = keyed
    (tmp_path / "keys.json").write_text('{"keys": [')
    within_a_second(lambda: b"\napi_keys_file_broken 1\n" in ask(program, key, "/metrics").body)
    assert ask(program, key).status == 200
    assert any("keys.json is broken" in x.get("message", "") for x in program.lines("the last good keys"))


def test_a_key_file_without_a_key_in_the_settings_is_sufficient(start: Start, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "only")
    (tmp_path / ".env").write_text("API_KEY=\nAPI_KEYS_FILE=keys.json\n")
    program = start(PORT="0")
    assert (ask(program, key).status, ask(program, "").status) == (200, 401)


@pytest.mark.parametrize("contents", [None, "", "[]"])
def test_a_missing_or_broken_file_at_the_start_ends_with_exit_code_2(
    start: Start, tmp_path: Path, contents: str | None
) -> None:
    if contents is not None:
        (tmp_path / "keys.json").write_text(contents)
    program = start(API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json")
    assert program.exit_code() == 2
    assert "API_KEYS_FILE: keys.json is" in program.errors and "Traceback" not in program.errors


def test_an_expired_key_is_answered_like_an_unknown_one(start: Start, tmp_path: Path) -> None:
    expired = make_key(tmp_path / "keys.json", "old", expires=datetime(2020, 1, 31, tzinfo=UTC))
    program = start(API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json")
    assert ask(program, expired).constant == ask(program, "wrong").constant


def test_a_key_gives_access_only_to_its_scopes(start: Start, tmp_path: Path) -> None:
    created = {
        scope: make_key(tmp_path / "keys.json", scope, scopes={scope}) for scope in ("predict", "metrics", "admin")
    }
    program = start(API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json")
    for path, scope in {"/model": "predict", "/metrics": "metrics"}.items():
        for granted, key in created.items():
            answer = ask(program, key, path)
            assert answer.status == (200 if granted == scope else 403)
            if granted != scope:
                assert answer.json["code"] == "not_allowed"
                assert answer.header("WWW-Authenticate") is None
        assert ask(program, KEY, path).status == 200
    predict = request("POST", "/predict", [("X-API-Key", created["metrics"])], b"{")
    assert program.send(predict).status == 403
    assert ask(program, created["admin"], "/health/live").status == 200


def test_a_call_above_the_rate_of_a_key_is_answered_with_429_and_retry_after(start: Start, tmp_path: Path) -> None:
    key = make_key(tmp_path / "keys.json", "slow", rate="3/hour")
    program = start(API_KEY=KEY, PORT="0", API_KEYS_FILE="keys.json")
    for remaining in 2, 1, 0:
        answer = ask(program, key)
        assert (answer.status, answer.header("RateLimit-Policy")) == (200, '"key";q=3;w=3600')
        assert re.fullmatch(rf'"key";r={remaining};t=3(600|5\d\d)', answer.header("RateLimit") or "")
    assert ask(program, key).status == 429
    answer = ask(program, key)
    seconds = int(answer.header("Retry-After") or "0")
    assert 3_500 < seconds <= 3_600
    assert answer.header("RateLimit-Policy") == '"key";q=3;w=3600'
    assert answer.header("RateLimit") == f'"key";r=0;t={seconds}'
    assert answer.json["code"] == "rate_exceeded"
    assert ask(program, key, "/health/live").status == 200
    for free in ask(program, KEY), ask(program, key, "/health/live"):
        assert (free.status, free.header("RateLimit"), free.header("RateLimit-Policy")) == (200, None, None)
    assert {ask(program, KEY).status for _ in range(5)} == {200}


def test_error_responses_also_report_the_remaining_rate(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", RATE_LIMIT="9/hour")
    for method, path, body, status in (("POST", "/predict", b"{", 422), ("GET", "/nowhere", None, 404)):
        answer = program.send(request(method, path, [("X-API-Key", KEY)], body))
        assert answer.status == status and (answer.header("RateLimit") or "").startswith('"key";r=')


def test_the_rate_of_the_settings_applies_to_keys_without_a_rate(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", RATE_LIMIT="2/hour")
    assert [ask(program, KEY).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"RATE_LIMIT": "often"}, "RATE_LIMIT: must be a rate"),
        ({"RATE_LIMIT_STORAGE": "mysql://root:secret@x"}, "RATE_LIMIT_STORAGE: must be memory://"),
        ({"RATE_LIMIT_FAILURE": "ajar"}, "RATE_LIMIT_FAILURE"),
        ({"TRUSTED_PROXIES": "10.0.0.0/8,all"}, "TRUSTED_PROXIES"),
        ({"AUTH_FAILURES_PER_MINUTE": "-1"}, "AUTH_FAILURES_PER_MINUTE"),
    ],
)
def test_an_invalid_setting_ends_with_exit_code_2(start: Start, settings: dict[str, str], message: str) -> None:
    program = start(API_KEY=KEY, PORT="0", **settings)
    assert program.exit_code() == 2
    assert message in program.errors and "secret" not in program.errors and "Traceback" not in program.errors


@pytest.mark.parametrize(("failure", "status"), [("open", 200), ("closed", 503)])
def test_without_redis_calls_are_answered_according_to_the_setting(start: Start, failure: str, status: int) -> None:
    unreachable = "redis://:secret-word@127.0.0.1:1/0"
    program = start(
        API_KEY=KEY, PORT="0", RATE_LIMIT="5/hour", RATE_LIMIT_STORAGE=unreachable, RATE_LIMIT_FAILURE=failure
    )
    answers = [ask(program, KEY) for _ in range(10)]
    assert {answer.status for answer in answers} == {status}
    if status == 503:
        assert (answers[0].json["code"], answers[0].header("Retry-After")) == ("limits_unavailable", "1")
    program.lines_with("does not answer", 1)
    assert "secret-word" not in program.errors


def test_programs_share_a_rate_through_redis_and_resume_after_an_outage(start: Start, redis: Redis) -> None:
    settings = {"API_KEY": KEY, "PORT": "0", "RATE_LIMIT": "2/hour", "RATE_LIMIT_STORAGE": redis.url}
    one, other = start(**settings), start(**settings)
    assert [ask(program, KEY).status for program in (one, other, one, other)] == [200, 200, 429, 429]
    redis.stop()
    assert {ask(one, KEY).status for _ in range(5)} == {200}
    redis.start()
    deadline = time.monotonic() + PATIENCE
    while ask(one, KEY).status != 429:
        assert time.monotonic() < deadline


def test_wrong_keys_above_the_limit_are_answered_with_429_and_valid_keys_are_accepted(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="4")
    rejection = ask(program, "wrong")
    assert [ask(program, "wrong").constant for _ in range(3)] == [rejection.constant] * 3
    answer = ask(program, "wrong")
    assert (answer.status, answer.json["code"]) == (429, "too_many_failures")
    assert 1 <= int(answer.header("Retry-After") or "0") <= 60
    assert answer.header("WWW-Authenticate") is None
    assert ask(program, KEY).status == 200
    assert ask(program, "", "/model").constant == rejection.constant
    assert ask(program, "wrong", "/health/live").status == 200


def test_missing_keys_do_not_count_as_failures(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="1")
    assert {ask(program, "").status for _ in range(5)} == {program.send(request("GET", "/model")).status} == {401}
    assert [ask(program, "wrong").status for _ in range(2)] == [401, 429]


@pytest.mark.parametrize(("proxies", "last"), [("127.0.0.0/8", 401), ("", 429)])
def test_addresses_are_distinguished_only_behind_a_trusted_proxy(start: Start, proxies: str, last: int) -> None:
    program = start(API_KEY=KEY, PORT="0", AUTH_FAILURES_PER_MINUTE="1", TRUSTED_PROXIES=proxies)
    answers = [ask(program, "wrong", "/model", ("X-Forwarded-For", f"6.6.6.6, {x}")) for x in ("1.1.1.1", "2.2.2.2")]
    assert [answer.status for answer in answers] == [401, last]
    again = ask(program, "wrong", "/model", ("X-Forwarded-For", "7.7.7.7, 1.1.1.1"))
    assert again.status == 429


def test_no_env_file_is_created_if_a_key_file_is_set(start: Start, tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("API_KEY=\n")
    key = make_key(tmp_path / "keys.json", "only")
    program = start(PORT="0", API_KEYS_FILE="keys.json")
    assert ask(program, key).status == 200
    assert not os.path.exists(tmp_path / ".env")
