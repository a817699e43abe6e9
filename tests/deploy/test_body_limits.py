"""Body limits of the proxies in deploy/: no lower than the program's, and little higher."""

import re
from collections.abc import Callable

import pytest
import yaml

from app.settings import Settings
from tests.known import REPOSITORY

UNITS = {"": 1, "k": 1024, "m": 1024**2, "KB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}
"""Bytes of a unit: of nginx with one small letter, of Caddy with the others."""
LIMITS = {
    name: field.default for name, field in Settings.model_fields.items() if re.fullmatch(r"(\w+_)?body_limit", name)
}
LARGEST = max(LIMITS.values())


def _read(path: str) -> str:
    return (REPOSITORY / "deploy" / path).read_text("utf-8")


def _bytes(pattern: str, text: str) -> int:
    found = re.findall(rf"^\s*{pattern}\s+\"?(\d+)(\w*)", text, re.MULTILINE)
    assert len(found) == 1, pattern
    return int(found[0][0]) * UNITS[found[0][1]]


def _nginx() -> tuple[str, dict[str, str]]:
    """The text of nginx.conf outside its locations, and of each location."""
    locations = dict(re.findall(r"location (.+?) {(.*?)}", _read("nginx.conf"), re.DOTALL))
    return re.sub(r"location .+? {.*?}", "", _read("nginx.conf"), flags=re.DOTALL), locations


def _ingress() -> int:
    annotations = yaml.safe_load(_read("kubernetes/base/ingress.yaml"))["metadata"]["annotations"]
    return _bytes("size", f"size {annotations['nginx.ingress.kubernetes.io/proxy-body-size']}")


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(lambda: _bytes("client_max_body_size", _nginx()[0]), id="nginx"),
        pytest.param(lambda: _bytes("max_size", _read("Caddyfile")), id="caddy"),
        pytest.param(_ingress, id="ingress"),
    ],
)
def test_a_proxy_takes_every_body_that_the_program_takes(limit: Callable[[], int]) -> None:
    assert len(LIMITS) == 3
    assert LARGEST <= limit() <= 1.05 * LARGEST


def test_nginx_has_a_lower_limit_for_predict_alone() -> None:
    limits = {path: text for path, text in _nginx()[1].items() if "client_max_body_size" in text}
    assert list(limits) == ["= /predict"]
    body_limit = LIMITS["body_limit"]
    assert body_limit <= _bytes("client_max_body_size", limits["= /predict"]) <= 1.05 * body_limit


def test_no_file_of_deploy_sets_another_limit() -> None:
    for path in (REPOSITORY / "deploy").rglob("*.y*ml"):
        for name in LIMITS:
            assert name.upper() not in path.read_text("utf-8").replace("as FILE_BODY_LIMIT, the largest", ""), path
