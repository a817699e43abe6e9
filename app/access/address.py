"""Addresses: where a call comes from, as far as that can be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
_SITE = 64
"""Bits that an IPv6 network's addresses share at least; one machine has all the others."""


def address(peer: str | None, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """The client's address: the peer's, or, where the peer is a proxy that is trusted, the one that it names.

    ``X-Forwarded-For`` grows to the right, so it is read from there: the first address that is no trusted proxy's was
    written by one that is. What stands further left may be anybody's invention.

    Args:
        peer: Address of whoever is connected; None where there is none, as on a local socket.
        forwarded: Values of ``X-Forwarded-For``, in the order in which they came.
        proxies: Networks whose word counts.

    Returns:
        An IPv4 address or the /64 network of an IPv6 one; ``unknown`` where there is no peer.
    """
    client = _parsed(peer) if peer else None
    if client is None:
        return "unknown"
    for entry in reversed(",".join(forwarded).split(",")) if proxies and forwarded else ():
        if not any(client in network for network in proxies):
            break
        named = _parsed(entry)
        if named is None:
            break
        client = named
    return _grouped(client)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def _grouped(client: IPv4Address | IPv6Address) -> str:
    return str(IPv6Network((client, _SITE), strict=False)) if isinstance(client, IPv6Address) else str(client)
