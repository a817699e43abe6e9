"""Routes that need no API key, and ways to call a route without a valid key."""

from tests.known import KEY, REPOSITORY

PAGE = REPOSITORY / "app" / "page"
PAGE_FILE = "/page/{digest}/{name:path}"
"""Route of the files of the brewer's page."""
OPEN = {
    PAGE_FILE: "GET",
    "/health/live": "GET",
    "/health/ready": "GET",
    "/docs": "GET",
    "/docs/assets/docs.js": "GET",
    "/docs/assets/swagger-ui.css": "GET",
    "/docs/assets/swagger-ui-bundle.js": "GET",
    "/openapi.json": "GET",
    "/v2/health/live": "GET",
    "/v2/health/ready": "GET",
}
"""Every path that needs no key. test_keys.py fails on a route that is neither here nor in the OpenAPI document."""
WITHOUT: dict[str, list[tuple[str, str | bytes]]] = {
    "no key": [],
    "empty": [("X-API-Key", "")],
    "wrong": [("X-API-Key", "x" * len(KEY))],
    "almost": [("X-API-Key", KEY[:-1])],
    "longer": [("X-API-Key", KEY + "0")],
    "other case": [("X-API-Key", KEY.upper())],
    "bytes": [("X-API-Key", b"\xff\x80\xe9")],
    "two keys": [("X-API-Key", KEY), ("X-API-Key", KEY)],
    "right and wrong": [("X-API-Key", "wrong"), ("X-API-Key", KEY)],
    "as a password": [("Authorization", f"Bearer {KEY}")],
    "in a cookie": [("Cookie", f"X-API-Key={KEY}")],
}
