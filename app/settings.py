"""Settings from the environment and ``.env``; the only module that reads either."""

import os
import secrets
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.errors import SettingsError

_SettingsT = TypeVar("_SettingsT", bound=BaseSettings)

ENV_FILE = ".env"
ENV_EXAMPLE = ".env.example"
SHORTEST_KEY = 16
HOW_TO_MAKE_A_KEY = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def _sendable(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) < SHORTEST_KEY:
        raise ValueError(f"has fewer than {SHORTEST_KEY} characters")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be printable ASCII without spaces, as it travels in a header")
    return key


def _none_if_empty(value: object) -> object:
    return value or None


def _parts(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _store(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text != "memory://" and not text.startswith(("redis://", "rediss://")):
        raise ValueError("must be memory:// or a URL that begins with redis:// or rediss://")
    return url


def _source(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    if separator and (scheme != "s3" or not rest.partition("/")[0]):
        raise ValueError("must be a local path or s3://bucket/prefix")
    return uri.rstrip("/") if separator else uri


def _endpoint(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return url


def _server(url: str) -> str:
    scheme, _, target = url.partition("://")
    host, _, port = target.rpartition(":")
    if url and not (scheme in ("grpc", "grpcs") and host and port.isdecimal() and "/" not in target):
        raise ValueError("must be grpc://host:port, or grpcs://host:port for TLS")
    return url


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]


class ModelSettings(BaseSettings):
    """What can be set of models: all that commands and jobs need that ask for no key."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged; requests are logged at INFO."""
    model_path: Path = Path("models")
    """Folder of bundles."""
    model_uri: Annotated[str, AfterValidator(_source)] = ""
    """Where bundles come from in place of MODEL_PATH: another folder, or ``s3://bucket/prefix``, read at the start."""
    model_sha256: Annotated[tuple[Digest, ...], NoDecode, BeforeValidator(_parts)] = ()
    """Digests, with commas between them, of the ``SHA256SUMS`` of bundles that may be loaded; empty: any bundle."""
    model_cache: Path = Path("model-cache")
    """Folder in which bundles from ``s3://`` are kept, by digest."""
    s3_endpoint: Annotated[str, AfterValidator(_endpoint)] = ""
    """Address of an S3-compatible store; empty: AWS in the region that AWS_REGION names."""


class Settings(ModelSettings):
    """What can be set. Each name is also the environment variable's, in capitals."""

    api_key: Annotated[SecretStr, AfterValidator(_sendable)] | None
    """The key that callers send as X-API-Key; 16 characters or more. Needed unless there is a file of keys."""
    api_keys_file: OptionalPath = None
    """File of more keys, see ``python -m app keys``."""
    public_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts)] = ()
    """Models, with commas between them, that answer without a key."""
    rate_limit: str = ""
    """Most calls of a key that has no rate of its own: ``100/minute``; empty: any number."""
    rate_limit_storage: Annotated[SecretStr, AfterValidator(_store)] = SecretStr("memory://")
    """Where calls are counted: in each process' memory, or in Redis for all that share it."""
    rate_limit_failure: Literal["open", "closed"] = "open"
    """While Redis does not answer, calls of keys with a rate are served (open) or refused with 503 (closed)."""
    auth_failures_per_minute: int = Field(default=10, ge=0)
    """Wrong keys from one address above which the answer is 429 in place of 401; 0: never."""
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_parts)] = ()
    """Networks, with commas between them, whose X-Forwarded-For is believed."""
    role: Literal["service", "model-server"] = "service"
    """What is served: everything, or only the models over gRPC, and health, for other machines in front of this one."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 is every one."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    docs_enabled: bool = True
    """Whether /docs and /openapi.json are served."""
    grpc_enabled: bool = True
    """Whether gRPC is served."""
    grpc_port: int = Field(default=50052, ge=0, le=65535)
    """Port of gRPC, on the same address; 0 takes a free one."""
    grpc_reflection: bool = True
    """Whether gRPC tells whoever asks what services there are, as grpcurl does."""
    grpc_max_message: int = Field(default=4_194_304, ge=1_000, le=100_000_000)
    """Most bytes of a gRPC message, as sent and as inflated."""
    grpc_tls_cert: OptionalPath = None
    """Certificate chain in PEM: gRPC is served over TLS."""
    grpc_tls_key: OptionalPath = None
    """Its key in PEM, without a password."""
    grpc_tls_client_ca: OptionalPath = None
    """Certificates in PEM of which one must have signed the client's: mutual TLS."""
    workers: int = Field(default=1, ge=1, le=256)
    """Processes that serve the port together."""
    management_port: int = Field(default=0, ge=0, le=65535)
    """Port of its own for /health/* and /metrics; 0 is off."""
    max_in_work: int = Field(default=2, ge=1, le=64)
    """Most long requests (batches, explanations) in work at once, in each worker."""
    max_waiting: int = Field(default=16, ge=0, le=10_000)
    """Most long requests that wait beside them; beyond that 503."""
    model_server: Annotated[str, AfterValidator(_server)] = ""
    """A server that runs the models it has: ``grpc://host:port``, or ``grpcs://`` for TLS; empty: all run here."""
    model_server_api_key: Annotated[SecretStr | None, BeforeValidator(_none_if_empty)] = None
    """The key that is sent to it as ``x-api-key``."""
    model_server_timeout: float = Field(default=5, gt=0, le=600)
    """Most seconds that it may take for an answer."""
    model_server_calls: int = Field(default=16, ge=1, le=256)
    """Most calls to it at once, in each worker; takes the place of MAX_IN_WORK."""
    body_limit: int = Field(default=1_000_000, ge=1_000, le=100_000_000)
    """Most bytes of a body."""
    batch_body_limit: int = Field(default=8_000_000, ge=1_000, le=100_000_000)
    """Most bytes of a batch's body."""
    file_body_limit: int = Field(default=12_000_000, ge=1_000, le=100_000_000)
    """Most bytes of a body that holds a file: a picture, alone, in a form or as Base64."""
    header_timeout: float = Field(default=10, ge=2, le=600)
    """Seconds until a request's line and headers are complete."""
    body_timeout: float = Field(default=15, ge=2, le=600)
    """Seconds until its body is complete."""
    keep_alive_timeout: float = Field(default=5, ge=2, le=3600)
    """Seconds that a connection may idle between two requests."""
    shutdown_grace: float = Field(default=10, ge=0, le=600)
    """Seconds for what is in work to finish, once told to stop."""

    @field_validator("grpc_tls_key", "grpc_tls_client_ca")
    @classmethod
    def _beside_a_certificate(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        certified = info.data.get("grpc_tls_cert") is not None
        if path is not None and not certified:
            raise ValueError("needs GRPC_TLS_CERT beside it")
        if path is None and certified and info.field_name == "grpc_tls_key":
            raise ValueError("is missing, and GRPC_TLS_CERT needs it")
        return path

    @property
    def serves_models_only(self) -> bool:
        """Whether other machines have the doors for people, and this one only runs models for them."""
        return self.role == "model-server"

    @model_validator(mode="before")
    @classmethod
    def _a_file_of_keys_is_enough(cls, values: dict[str, object]) -> dict[str, object]:
        return {**values, "api_key": values.get("api_key") or None} if values.get("api_keys_file") else values


def load_settings(workers: int | None = None, role: str | None = None) -> Settings:
    """Read the settings from the environment and, under it, ``.env`` in the working directory.

    Args:
        workers: Goes before the environment.
        role: Goes before the environment.

    Returns:
        The settings.

    Raises:
        SettingsError: One is missing or wrong; every such setting is named, no value is shown.
    """
    given: dict[str, Any] = {"workers": workers, "role": role}
    given = {name: value for name, value in given.items() if value is not None}
    return _load(partial(Settings, **given))


def load_model_settings() -> ModelSettings:
    """Read those settings alone that are about models; no other needs to be right.

    Raises:
        SettingsError: See `load_settings`.
    """
    return _load(ModelSettings)


def _load(read: Callable[[], _SettingsT]) -> _SettingsT:
    try:
        return read()
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        told = (_sentence(str(fault["loc"][0]).upper(), fault["msg"]) for fault in faults)
        raise SettingsError("; ".join(told)) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{ENV_FILE} cannot be read as UTF-8 text") from None


class _Keys(BaseSettings):
    model_config = Settings.model_config

    api_keys_file: OptionalPath = None


def keys_file() -> Path | None:
    """The setting API_KEYS_FILE alone, for commands that need no other to be right.

    Raises:
        SettingsError: ``.env`` cannot be read.
    """
    return _load(_Keys).api_keys_file


def _sentence(name: str, reason: str) -> str:
    reason = "is missing" if reason == "Field required" else reason.removeprefix("Value error, ")
    return f"{name} {reason}; {HOW_TO_MAKE_A_KEY}" if name == "API_KEY" else f"{name}: {reason}"


def create_env_file() -> str | None:
    """Make ``.env`` from ``.env.example`` with a fresh random key, where there is neither a file nor a key.

    The file appears whole or not at all, with mode 600, and an existing one is never touched.

    Returns:
        The new key, or None where nothing was made.

    Raises:
        SettingsError: The folder or the disk does not take it.
    """
    target, example = Path(ENV_FILE), Path(ENV_EXAMPLE)
    given = {"API_KEY", "API_KEYS_FILE"} & {name.upper() for name in os.environ}
    if target.exists() or given or not example.is_file():
        return None
    key = secrets.token_urlsafe(32)
    text = example.read_text("utf-8").replace("\nAPI_KEY=\n", f"\nAPI_KEY={key}\n", 1)
    staged = Path(f"{ENV_FILE}.{secrets.token_hex(4)}")
    try:
        _write_private(staged, text)
        os.link(staged, target)  # unlike rename, refuses to replace a file that came in between
    except FileExistsError:
        return None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be made here: {error.strerror}; {HOW_TO_MAKE_A_KEY}") from None
    finally:
        staged.unlink(missing_ok=True)
    return key


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
