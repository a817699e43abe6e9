"""Client addresses: the peer's address, or the one that a trusted proxy reports."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
_IPV6_PREFIX = 64
"""Prefix length in bits that identifies an IPv6 client: one machine can use every address of its /64 network."""


def address(peer: str | None, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Find the client's address.

    Each proxy appends the address of its client to ``X-Forwarded-For``, so the header is read from the right: the first
    address that does not belong to a trusted proxy is the client's. A client can forge everything to the left of it.

    Args:
        peer: Address of the connected peer; None on a local socket.
        forwarded: Values of ``X-Forwarded-For``, in the order received.
        proxies: Networks of the trusted proxies.

    Returns:
        An IPv4 address, or the /64 network of an IPv6 address; ``unknown`` without a peer.
    """
    client = _parsed(peer) if peer else None
    if client is None:
        return "unknown"
    for entry in reversed(",".join(forwarded).split(",")) if proxies and forwarded else ():
        if not any(client in network for network in proxies):
            break
        reported = _parsed(entry)
        if reported is None:
            break
        client = reported
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
    return str(IPv6Network((client, _IPV6_PREFIX), strict=False)) if isinstance(client, IPv6Address) else str(client)
