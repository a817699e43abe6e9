"""Health check of the image: exits with 1 if the program in the same container is not ready."""

import http.client
import os
import sys

TIMEOUT = 3.0


def main() -> int:
    """Send one request.

    Returns:
        0 if the program is ready, else 1, with the reason on stderr.
    """
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT") or 8000), timeout=TIMEOUT)
    try:
        connection.request("GET", "/health/ready")
        response = connection.getresponse()
        text = response.read(1000).decode("utf-8", "replace")
    except OSError as error:
        print(f"no response: {error}", file=sys.stderr)
        return 1
    if response.status != 200:
        print(text, file=sys.stderr)
    return int(response.status != 200)


if __name__ == "__main__":
    sys.exit(main())
