"""Keys: who is let in, and who is not."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.keys import KeyRing, Principal
from app.errors import NotAuthenticated
from tests.known import KEY

RING = KeyRing.single(KEY)


def test_the_key_of_the_settings_may_predict_and_read_metrics() -> None:
    principal = RING.authenticate(KEY.encode())
    assert principal.scopes == {"predict", "metrics"}
    assert KEY not in repr(principal)


@given(st.none() | st.binary(max_size=64) | st.integers(0, len(KEY)).map(lambda n: KEY.encode()[:n]))
def test_nothing_else_is_let_in(presented: bytes | None) -> None:
    if presented == KEY.encode():
        return
    with pytest.raises(NotAuthenticated):
        RING.authenticate(presented)


def test_each_of_many_keys_is_its_own_principal() -> None:
    keys = {f"key-number-{i:05}".encode(): Principal(f"caller-{i}", frozenset()) for i in range(1000)}
    ring = KeyRing({sha256(key).digest(): principal for key, principal in keys.items()})
    assert all(ring.authenticate(key) is principal for key, principal in keys.items())


def test_a_key_of_which_only_half_the_digest_agrees_is_not_let_in() -> None:
    digest = sha256(b"presented").digest()
    ring = KeyRing({digest[:16] + bytes(16): Principal("other", frozenset())})
    with pytest.raises(NotAuthenticated):
        ring.authenticate(b"presented")
