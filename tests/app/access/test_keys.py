"""The key ring: known, unknown and expired keys, at the same cost for one key as for thousands."""

import hmac
import time
from hashlib import sha256
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.keys import KeyRing, Principal, default_principal
from app.errors import NotAuthenticated
from tests.known import KEY


def _ring(**expires: float | None) -> KeyRing:
    """Keys by name, each with its expiry in seconds since the epoch."""
    return KeyRing(
        {sha256(key.encode()).digest(): Principal(key, frozenset({"predict"}), ends) for key, ends in expires.items()}
    )


def test_the_key_of_the_settings_has_the_scopes_predict_and_metrics() -> None:
    principal = KeyRing.single(KEY).authenticate(KEY.encode())
    assert (principal.id, principal.scopes) == ("default", frozenset({"predict", "metrics"}))
    assert KEY not in repr(principal)


@given(st.none() | st.binary(max_size=64) | st.integers(0, len(KEY) - 1).map(lambda n: KEY.encode()[:n]))
def test_no_other_key_is_accepted(presented: bytes | None) -> None:
    if presented == KEY.encode():
        return
    with pytest.raises(NotAuthenticated):
        KeyRing.single(KEY).authenticate(presented)


@pytest.mark.parametrize("presented", [None, b"", b"two", b"one ", b"\xff", sha256(b"one").digest()])
def test_an_unknown_key_is_rejected(presented: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        _ring(one=None).authenticate(presented)


def test_each_of_many_keys_is_its_own_principal() -> None:
    keys = {f"key-number-{i:05}".encode(): Principal(f"caller-{i}", frozenset()) for i in range(1000)}
    ring = KeyRing({sha256(key).digest(): principal for key, principal in keys.items()})
    assert all(ring.authenticate(key) is principal for key, principal in keys.items())


@pytest.mark.parametrize(("now", "accepted"), [(999.0, True), (999.999, True), (1000.0, False), (1000.5, False)])
def test_a_key_expires_at_its_moment_and_not_a_second_later(
    now: float, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.access.keys.time", SimpleNamespace(time=lambda: now))
    ring = _ring(one=1000.0, other=None)
    assert ring.authenticate(b"other").id == "other"
    if accepted:
        assert ring.authenticate(b"one").id == "one"
    else:
        with pytest.raises(NotAuthenticated):
            ring.authenticate(b"one")


@pytest.mark.parametrize("presented", [None, b"", b"one", b"on", b"one!", b"x" * 8_000])
def test_one_whole_digest_is_compared_in_constant_time_for_any_key(
    presented: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[int, int]] = []

    def compare(known: bytes, digest: bytes) -> bool:
        compared.append((len(known), len(digest)))
        return hmac.compare_digest(known, digest)

    monkeypatch.setattr("app.access.keys.hmac", SimpleNamespace(compare_digest=compare))
    try:
        assert _ring(one=None).authenticate(presented).id == "one"
    except NotAuthenticated:
        assert presented != b"one"
    assert compared == [(32, 32)]


def test_half_of_a_digest_is_not_enough() -> None:
    digest = sha256(b"one").digest()
    with pytest.raises(NotAuthenticated):
        KeyRing({digest[:16] + bytes(16): Principal("twin", frozenset())}).authenticate(b"one")


def test_replacing_the_keys_removes_the_old_ones() -> None:
    ring = _ring(one=None)
    ring.replace(default_principal(KEY))
    assert ring.authenticate(KEY.encode()).id == "default"
    assert len(ring) == 1
    with pytest.raises(NotAuthenticated):
        ring.authenticate(b"one")


def test_the_cost_does_not_grow_with_the_number_of_keys() -> None:
    def seconds(ring: KeyRing) -> float:
        best = float("inf")
        for _ in range(7):
            began = time.perf_counter()
            for _ in range(2_000):
                ring.authenticate(b"key-0")
            best = min(best, time.perf_counter() - began)
        return best

    one, many = (_ring(**{f"key-{i}": None for i in range(count)}) for count in (1, 10_000))
    assert seconds(many) < 100 * seconds(one)  # a search through 10,000 keys takes some thousand times as long
