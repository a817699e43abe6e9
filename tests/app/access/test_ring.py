"""The ring: known, unknown and expired keys, and as much work for one key as for thousands."""

import hmac
import time
from hashlib import sha256
from types import SimpleNamespace

import pytest

from app.access.keys import KeyRing, Principal, default_principal
from app.errors import NotAuthenticated
from tests.known import KEY


def _ring(**expires: float | None) -> KeyRing:
    return KeyRing(
        {sha256(key.encode()).digest(): Principal(key, frozenset({"predict"}), ends) for key, ends in expires.items()}
    )


def test_the_key_of_the_settings_may_predict_and_read_metrics_and_no_more() -> None:
    principal = KeyRing.single(KEY).authenticate(KEY.encode())
    assert (principal.id, principal.scopes) == ("default", {"predict", "metrics"})


@pytest.mark.parametrize("presented", [None, b"", b"two", b"one ", b"\xff", sha256(b"one").digest()])
def test_whatever_is_no_known_key_is_refused(presented: bytes | None) -> None:
    with pytest.raises(NotAuthenticated):
        _ring(one=None).authenticate(presented)


def test_a_key_is_known_until_the_moment_it_expires() -> None:
    ring = _ring(past=time.time() - 1, future=time.time() + 60)
    assert ring.authenticate(b"future").id == "future"
    with pytest.raises(NotAuthenticated):
        ring.authenticate(b"past")


@pytest.mark.parametrize("presented", [None, b"", b"one", b"on", b"one!", b"x" * 8_000])
def test_whatever_is_presented_one_whole_digest_is_compared_in_constant_time(
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


def test_a_ring_knows_what_it_was_told_last() -> None:
    ring = _ring(one=None)
    ring.replace(default_principal(KEY))
    assert ring.authenticate(KEY.encode()).id == "default"
    assert len(ring) == 1
    with pytest.raises(NotAuthenticated):
        ring.authenticate(b"one")


def test_work_does_not_grow_with_the_number_of_keys() -> None:
    def seconds(ring: KeyRing) -> float:
        best = float("inf")
        for _ in range(7):
            began = time.perf_counter()
            for _ in range(2_000):
                ring.authenticate(b"key-0")
            best = min(best, time.perf_counter() - began)
        return best

    one, many = (_ring(**{f"key-{number}": None for number in range(count)}) for count in (1, 10_000))
    assert seconds(many) < 2 * seconds(one)
