"""Addresses: where a request comes from, as far as that can be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from app.rest.asgi import Scope

Network = IPv4Network | IPv6Network
_SITE = 64
"""Bits that an IPv6 network's addresses share at least; one machine has all the others."""


def address(scope: Scope, proxies: Sequence[Network]) -> str:
    """The client's address: the peer's, or, where the peer is a proxy that is trusted, the one that it names.

    ``X-Forwarded-For`` grows to the right, so it is read from there: the first address that is no trusted proxy's was
    written by one that is. What stands further left may be anybody's invention.

    Args:
        scope: ASGI's.
        proxies: Networks whose word counts.

    Returns:
        An IPv4 address or the /64 network of an IPv6 one; ``unknown`` where there is no peer, as on a local socket.
    """
    peer = scope.get("client")
    client = _parsed(peer[0]) if peer else None
    if client is None:
        return "unknown"
    for entry in reversed(_forwarded(scope)) if proxies else ():
        if not any(client in network for network in proxies):
            break
        named = _parsed(entry)
        if named is None:
            break
        client = named
    return _grouped(client)


def _forwarded(scope: Scope) -> list[str]:
    values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return ",".join(values).split(",") if values else []


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
