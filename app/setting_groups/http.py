"""Settings of the HTTP server."""

import re
import sys
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode

from app.setting_groups.common import SettingGroup, split

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")


def _check_contact(uri: str) -> str:
    if uri and not (uri.startswith(("mailto:", "https://")) and uri.isascii() and uri.isprintable() and " " not in uri):
        raise ValueError("must begin with mailto: or https://, and be printable ASCII without spaces")
    return uri


def _check_origin(origin: str) -> str:
    if origin == "*":
        return origin
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise ValueError(
            "must be origins as browsers send them, such as https://brewery.example or http://localhost:3000: in lower "
            "case, without a path or a slash at the end; or * alone for every origin"
        )
    scheme, port = match.groups()
    if port and port == {"http": "80", "https": "443"}.get(scheme):
        raise ValueError(f"must be without the port {port}, which browsers omit for {scheme}")
    return origin


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if "*" in origins and len(origins) > 1:
        raise ValueError("has * and other origins: * must be alone")
    return origins


def _check_root_path(prefix: str) -> str:
    if not prefix.strip("/"):
        return ""
    if not re.fullmatch(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+/?", prefix):
        raise ValueError("must be a path such as /beer, of letters, digits and . _ ~ - between its slashes")
    return prefix.rstrip("/")


class HttpSettings(SettingGroup):
    """The settings."""

    role: Literal["service", "model-server"] = Field(
        default="service",
        description="What the program serves: everything (`service`), or only health checks and the models over gRPC, "
        "for other machines in front of it (`model-server`). Also `--role`.",
    )
    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on: `127.0.0.1` is this machine only, `0.0.0.0` all its networks.",
    )
    port: int = Field(
        default=8000, ge=0, le=65535, description="HTTP port. 0: any free port; the log names the one chosen."
    )
    root_path: Annotated[str, AfterValidator(_check_root_path)] = Field(
        default="",
        max_length=200,
        description="Path prefix under which a proxy publishes the service, such as `/beer`. The proxy may remove the "
        "prefix or keep it. Empty: none.",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Number of worker processes that share the port, typically one per core. Also `--workers N`.",
    )
    management_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Additional HTTP port, on the same address, for `/health/*` and `/metrics` without a key. 0: off.",
    )
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_check_origin)], ...],
        NoDecode,
        BeforeValidator(split),
        AfterValidator(_check_origins),
    ] = Field(
        default=(),
        description="Origins of web pages that may call the service from a browser (CORS), separated by commas, such "
        "as `https://brewery.example,http://localhost:3000`. `*` alone: every page, with a key or with "
        "`PUBLIC_MODELS`. Empty: none.",
    )
    security_contact: Annotated[str, AfterValidator(_check_contact)] = Field(
        default="",
        max_length=256,
        description="Where to report a vulnerability: a URI that begins with `mailto:` or `https://`, served at "
        "`/.well-known/security.txt`. Empty: no such page.",
    )
    page_enabled: bool = Field(
        default=True,
        description="Serve the brewer's page to browsers at `/`; the page needs no key, but its predictions do.",
    )
    docs_enabled: bool = Field(default=True, description="Serve `/docs` and `/openapi.json`.")
    body_limit: int = Field(
        default=1_000_000,
        ge=1_000,
        le=100_000_000,
        description="Maximum size of a request body in bytes; larger bodies get 413.",
    )
    batch_body_limit: int = Field(
        default=8_000_000, ge=1_000, le=100_000_000, description="Maximum size of the body of a batch in bytes."
    )
    file_body_limit: int = Field(
        default=12_000_000,
        ge=1_000,
        le=100_000_000,
        description="Maximum size in bytes of a body with a picture: the picture itself, a form, or Base64.",
    )
    memory_budget: int = Field(
        default=200_000_000,
        ge=10_000_000,
        le=100_000_000_000,
        description="Maximum memory in bytes, in each worker, that requests in progress may take together: bodies, "
        "parsed values, decoded pictures. Further ones get 503 with `Retry-After`.",
    )
    header_timeout: float = Field(
        default=10,
        ge=2,
        le=600,
        description="Seconds within which the request line and headers must arrive; otherwise the response is 408.",
    )
    body_timeout: float = Field(
        default=15,
        ge=2,
        le=600,
        description="Seconds within which the body must arrive; otherwise the response is 408.",
    )
    keep_alive_timeout: float = Field(
        default=5, ge=2, le=3600, description="Seconds after which an idle connection is closed."
    )
    shutdown_grace: float = Field(
        default=10, ge=0, le=600, description="Seconds that requests in progress may take to finish at shutdown."
    )

    @field_validator("workers")
    @classmethod
    def _one_on_windows(cls, workers: int) -> int:
        if workers > 1 and sys.platform == "win32":
            raise ValueError("must be 1 on Windows, where processes cannot share a port")
        return workers

    @property
    def serves_models_only(self) -> bool:
        """Whether the program only runs models, for other machines in front of it."""
        return self.role == "model-server"
