"""Client addresses: the peer's, or the one that a trusted proxy reports; a client cannot forge it."""

from ipaddress import ip_network

import pytest

from app.access.address import address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def _address(peer: str | None, *forwarded: str, proxies: tuple[object, ...] = PROXIES) -> str:
    return address(peer, forwarded, proxies)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        ("10.0.0.1", ["6.6.6.6, 1.1.1.1, 10.2.2.2"], "1.1.1.1"),
        ("10.0.0.1", ["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
        ("10.0.0.1", ["1.1.1.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["1.1.1.1:5555"], "1.1.1.1"),
        ("10.0.0.1", ["[2001:db8:1:2:3:4:5:6]:5555"], "2001:db8:1:2::/64"),
        ("fd00::1", ["1.1.1.1"], "1.1.1.1"),
        ("::ffff:10.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        (None, ["1.1.1.1"], "unknown"),
    ],
)
def test_the_rightmost_address_that_is_not_a_proxy_is_the_clients(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert _address(peer, *forwarded) == expected


def test_no_proxy_is_trusted_by_default() -> None:
    assert _address("10.0.0.1", "1.1.1.1", proxies=()) == "10.0.0.1"
