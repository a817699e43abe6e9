"""Asks the program in the same container whether it is ready; ends with 1 where it is not. The image's health check."""

import http.client
import os
import sys

TIMEOUT = 3.0


def main() -> int:
    """Ask once.

    Returns:
        0 where the program is ready, else 1, with the reason on stderr.
    """
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        told = answer.read(1000).decode("utf-8", "replace")
    except OSError as error:
        print(f"no answer: {error}", file=sys.stderr)
        return 1
    if answer.status != 200:
        print(told, file=sys.stderr)
    return int(answer.status != 200)


if __name__ == "__main__":
    sys.exit(main())
