"""What the first start prints to stdout: where the page is, and a call to try."""

import contextlib
import json
import os
from ipaddress import ip_address

from app.domains.beer.schema import EXAMPLE_BEER

_STDOUT = 1


def print_welcome(address: str, key: str, has_page: bool) -> None:
    """Print how to begin, once the port is open: before, another program might listen there.

    The key is printed only to a terminal. Elsewhere stdout is a file or a collected log, which must not hold keys.

    Args:
        address: Host and port of the program.
        key: The key that the program has just made and written to ``.env``.
        has_page: Whether the program serves the brewer's page.
    """
    with contextlib.suppress(OSError):  # stdout may be full, closed or broken
        os.write(_STDOUT, welcome(address, key if os.isatty(_STDOUT) else "", has_page).encode())


def welcome(address: str, key: str, has_page: bool) -> str:
    """Return how to begin.

    Args:
        address: Host and port of the program.
        key: The key to show, in the address of the page; empty to show none.
        has_page: Whether the program serves the brewer's page.
    """
    host, _, port = address.rpartition(":")
    number = ip_address(host.strip("[]"))
    if number.is_unspecified:  # all networks: a browser on this machine has this one
        host = "127.0.0.1" if number.version == 4 else "[::1]"
    root = f"http://{host}:{port}"
    lines = ["Created .env with a new API key."]
    if has_page:
        # A browser sends the fragment to no server; the page takes the key from it.
        lines += [f"Open {root}/#key={key}" if key else f"Open {root}/ in a browser, and enter the key from .env."]
    lines += [
        "When the server is running, try:",
        f"  curl {root}/predict -H \"X-API-Key: $(sed -n 's/^API_KEY=//p' .env)\""
        f" -H 'Content-Type: application/json' -d '{json.dumps(EXAMPLE_BEER)}'",
    ]
    return "\n".join(lines) + "\n"
