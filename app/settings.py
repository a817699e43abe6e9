"""Settings from the environment and ``.env``; the only module that reads either.

Each setting is described once, in its `Field`. ``scripts/settings_docs.py`` writes ``.env.example`` and the table in
README.md from these descriptions, in which text between backticks is code.
"""

import logging
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app.errors import SettingsError
from app.telemetry_settings import TelemetrySettings

_SettingsT = TypeVar("_SettingsT", bound=BaseSettings)

ENV_FILE = ".env"
ENV_EXAMPLE = ".env.example"
SHORTEST_KEY = 16
HOW_TO_MAKE_A_KEY = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
DEFAULT_MODELS = "models"
DEFAULT_KEYS_FILE = "keys.json"
"""The key file where API_KEYS_FILE is not set: ``keys create`` makes it, and a service reads it if it exists."""
RENAMED = {"model_path": "model_uri", "max_in_work": "thread_pool_size", "max_waiting": "thread_pool_queue"}
"""Former names of settings, which still work and will go with the next major version, and their present names."""

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
_DEPRECATED = "deprecated names"
"""Key under which the sources report the former names in use; no environment variable's name has a space."""
_log = logging.getLogger(__name__)


def _check_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().strip()) < SHORTEST_KEY:
        raise ValueError(f"has fewer than {SHORTEST_KEY} characters")
    return _check_sent(key)


def _check_sent(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()  # a file of secrets often ends in a line break
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be printable ASCII without spaces, as it travels in a header")
    return SecretStr(text)


def _none_if_empty(value: object) -> object:
    return value or None


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _check_store(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text != "memory://" and not text.startswith(("redis://", "rediss://")):
        raise ValueError("must be memory:// or a URL that begins with redis:// or rediss://")
    return url


def _check_source(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    if separator and (scheme != "s3" or not rest.partition("/")[0]):
        raise ValueError("must be a local path or s3://bucket/prefix")
    return uri.rstrip("/") if separator else uri or DEFAULT_MODELS


def _check_endpoint(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return url


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


def _check_record(text: str) -> str:
    kind, _, rate = text.partition(":")
    if text in ("off", "all") or (kind == "sample" and re.fullmatch(r"0?\.\d{1,9}|1(\.0*)?", rate) and float(rate)):
        return text
    raise ValueError("must be off, all, or sample:RATE with a rate above 0 and up to 1, such as sample:0.01")


def _check_record_path(path: str) -> str:
    if path.startswith("s3://"):
        return _check_source(path)
    if not path or "://" in path:
        raise ValueError("must be a folder or s3://bucket/prefix")
    return path


def _check_server(url: str) -> str:
    scheme, _, target = url.partition("://")
    host, _, port = target.rpartition(":")
    if url and not (scheme in ("grpc", "grpcs") and host and port.isdecimal() and "/" not in target):
        raise ValueError("must be grpc://host:port, or grpcs://host:port for TLS")
    return url


class _WithFormerNames(PydanticBaseSettingsSource):
    """A source in which a setting may stand under its former name.

    A former name that only repeats the default gives way to the present one: the file made from an older
    ``.env.example`` lists every setting.
    """

    def __init__(self, source: EnvSettingsSource) -> None:
        super().__init__(source.settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """See `PydanticBaseSettingsSource`."""
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Return the values of the settings that the source has.

        Raises:
            SettingsError: If the former and the present name of a setting have different values.
        """
        values, texts = self._source(), self._source.env_vars
        deprecated: dict[str, str] = {}
        for former, name in RENAMED.items():
            field, text = self.settings_cls.model_fields.get(name), texts.get(former)
            if field is None or not text:
                continue
            deprecated[former.upper()] = name.upper()
            present = texts.get(name)
            if not present:
                values[name] = text
            elif text not in (present, str(field.default)):
                raise SettingsError(
                    f"{former.upper()}: is the former name of {name.upper()}, and both are set, to different values; "
                    f"remove {former.upper()}"
                )
        return {**values, _DEPRECATED: deprecated}


Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SentKey = Annotated[SecretStr, AfterValidator(_check_sent)]
OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]


class ModelSettings(BaseSettings):
    """Settings of models and logs: all that commands and jobs need which do not serve requests."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",  # some editors begin a file with a byte order mark
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        description="Minimum level of log lines: `DEBUG`, `INFO`, `WARNING` or `ERROR`. Requests are logged at `INFO`.",
    )
    model_uri: Annotated[str, AfterValidator(_check_source)] = Field(
        default=DEFAULT_MODELS,
        description="Source of the model bundles: a folder that holds `NAME/VERSION/`, or `s3://bucket/prefix`, which "
        "is downloaded at the start.",
    )
    model_sha256: Annotated[tuple[Digest, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="SHA-256 digests of the `SHA256SUMS` files of the bundles that may be loaded, separated by commas. "
        "Empty: any bundle.",
    )
    model_cache: Path = Field(
        default=Path("model-cache"), description="Folder that caches bundles from `s3://`, by digest."
    )
    s3_endpoint: Annotated[str, AfterValidator(_check_endpoint)] = Field(
        default="",
        description="URL of an S3-compatible store, such as `https://minio.example:9000`. Empty: AWS, in the region "
        "`AWS_REGION`.",
    )

    _deprecated_names: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def deprecated_names(self) -> dict[str, str]:
        """Former names of settings that are in use, and their present names."""
        return self._deprecated_names

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment and ``.env`` under former names, too."""
        environment = (source for source in (env_settings, dotenv_settings) if isinstance(source, EnvSettingsSource))
        return init_settings, *map(_WithFormerNames, environment), file_secret_settings

    @model_validator(mode="wrap")
    @classmethod
    def _keep_deprecated_names(cls, values: dict[str, Any], handler: ModelWrapValidatorHandler[Self]) -> Self:
        deprecated = values.pop(_DEPRECATED, {})
        settings = handler(values)
        settings._deprecated_names = deprecated
        return settings


class Settings(TelemetrySettings, ModelSettings):
    """All settings. The environment variable has the name of the attribute, in capitals."""

    # API keys and rates
    api_key: Annotated[SecretStr, AfterValidator(_check_key)] | None = Field(
        description="Key that clients send in the header `X-API-Key`: 16 characters or more. Required, unless "
        "`API_KEYS_FILE` is set; without either the program exits with code 2."
    )
    api_keys_file: OptionalPath = Field(
        default=None,
        description="File of further keys, made with `python -m app keys create`. Changes take effect within a second. "
        f"Empty: `{DEFAULT_KEYS_FILE}`, if it exists at the start.",
    )
    models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Models to serve, separated by commas, such as `cat-dog`. `beer-ibu` and `beer-ibu-recipe` are "
        "served together, with or without `beer-ibu-style`. Empty: all; those without a folder of their own in a local "
        "`MODEL_URI` are left out.",
    )
    public_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Models that can be called without a key, separated by commas, such as `iris`. A key that is sent "
        "is still checked.",
    )
    rate_limit: str = Field(
        default="",
        description="Maximum rate of a key without a rate of its own, such as `100/minute`. Empty: no limit.",
    )
    rate_limit_storage: Annotated[SecretStr, AfterValidator(_check_store)] = Field(
        default=SecretStr("memory://"),
        description="Storage of the rate limits: `memory://` (each worker counts for itself) or "
        "`redis://host:6379/0` (shared by several machines).",
    )
    rate_limit_failure: Literal["open", "closed"] = Field(
        default="open",
        description="While Redis does not respond, serve the calls of rate-limited keys (`open`) or reject them with "
        "503 (`closed`).",
    )
    auth_failures_per_minute: int = Field(
        default=10,
        ge=0,
        description="Number of wrong keys per minute from one address after which the response is 429 instead of 401. "
        "0: no limit.",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_split)] = Field(
        default=(),
        description="Networks of proxies whose `X-Forwarded-For` is trusted, separated by commas, such as "
        "`10.0.0.0/8,127.0.0.1`.",
    )

    # HTTP server
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
        BeforeValidator(_split),
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
        description="Serve the brewer's page to browsers at `/`; its files are open, its answers need the key.",
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

    # gRPC server
    grpc_enabled: bool = Field(default=True, description="Serve gRPC, on a port of its own.")
    grpc_port: int = Field(
        default=50052,
        ge=0,
        le=65535,
        description="gRPC port, on the same address. 0: any free port; the log names the one chosen.",
    )
    grpc_reflection: bool = Field(
        default=True,
        description="Serve gRPC reflection, without a key: clients such as `grpcurl` use it to list the services.",
    )
    grpc_max_message: int = Field(
        default=4_194_304,
        ge=1_000,
        le=100_000_000,
        description="Maximum size of a gRPC message in bytes, compressed and decompressed; larger messages get "
        "`RESOURCE_EXHAUSTED`.",
    )
    grpc_tls_cert: OptionalPath = Field(
        default=None, description="Certificate chain in PEM format: serve gRPC over TLS. Empty: no TLS."
    )
    grpc_tls_key: OptionalPath = Field(
        default=None, description="Private key of `GRPC_TLS_CERT` in PEM format, without a password."
    )
    grpc_tls_client_ca: OptionalPath = Field(
        default=None,
        description="CA certificates in PEM format for mutual TLS: clients need a certificate signed by one of them.",
    )

    # Thread pool
    thread_pool_size: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of threads in each worker for long-running requests: batches and explanations. Single "
        "predictions do not use them.",
    )
    thread_pool_queue: int = Field(
        default=16,
        ge=0,
        le=10_000,
        description="Number of long-running requests that may wait for a thread, in each worker; further ones get 503 "
        "with `Retry-After`.",
    )

    # Model server
    model_server: Annotated[str, AfterValidator(_check_server)] = Field(
        default="",
        description="Server that runs the models it has, over the Open Inference Protocol: `grpc://host:port`, or "
        "`grpcs://host:port` for TLS; see docs/operations.md. Empty: run every model in this program.",
    )
    model_server_api_key: Annotated[SentKey | None, BeforeValidator(_none_if_empty)] = Field(
        default=None, description="Key to send to the model server as `x-api-key`. Empty: none."
    )
    model_server_timeout: float = Field(
        default=5, gt=0, le=600, description="Seconds to wait for the model server; then the response is 504."
    )
    model_server_calls: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Maximum number of concurrent calls to the model server, in each worker; replaces "
        "`THREAD_POOL_SIZE`.",
    )

    # Records
    record: Annotated[str, AfterValidator(_check_record)] = Field(
        default="off",
        description="Which rows that were answered to record, with their inputs and outputs: `off`, `all`, or a share "
        "of the requests such as `sample:0.01`; see docs/records.md.",
    )
    record_path: Annotated[str, AfterValidator(_check_record_path)] = Field(
        default="records", description="Where records are kept: a folder, or `s3://bucket/prefix`."
    )
    record_format: Literal["jsonl", "parquet"] = Field(
        default="jsonl",
        description="Format of the records: `jsonl`, or `parquet`, which needs `requirements/parquet.txt`.",
    )
    record_text: bool = Field(
        default=False, description="Record the names of hops, malts, yeast and style as well, as the client sent them."
    )
    record_file_size: int = Field(
        default=64_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Size in bytes from which a new file of records begins.",
    )
    record_file_seconds: float = Field(
        default=3600, ge=1, le=604_800, description="Age in seconds from which a new file of records begins."
    )
    record_disk: int = Field(
        default=1_000_000_000,
        ge=100_000,
        description="Maximum size in bytes of all files of records in the folder; the oldest are deleted.",
    )
    record_spool: Path = Field(
        default=Path("record-spool"),
        description="Folder in which records wait until they are uploaded, where `RECORD_PATH` is a bucket.",
    )

    # Labels
    feedback_enabled: bool = Field(
        default=False,
        description="Take labels at `POST /feedback` (what the bitterness of a beer was), from keys with the scope "
        "`feedback`, and keep them in `RECORD_PATH`; see docs/labels.md.",
    )
    feedback_path: str = Field(
        default="", description="Folder of labels, for example where `RECORD_PATH` is a bucket. Empty: `RECORD_PATH`."
    )
    feedback_max_labels: int = Field(
        default=100_000,
        ge=1_000,
        le=1_000_000,
        description="Number of labels that are kept; the oldest sixteenth is deleted where there are more.",
    )
    feedback_max_bytes: int = Field(
        default=100_000_000,
        ge=10_000_000,
        le=10_000_000_000,
        description="Size of the files of labels in bytes; the oldest sixteenth is deleted where they are larger.",
    )
    feedback_max_days: float = Field(
        default=730, ge=1, le=36_500, description="Days after which a file of labels is deleted."
    )
    feedback_window_days: float = Field(
        default=90, ge=1, le=36_500, description="Days of which labels count for the metrics of online quality."
    )

    @field_validator("workers")
    @classmethod
    def _one_on_windows(cls, workers: int) -> int:
        if workers > 1 and sys.platform == "win32":
            raise ValueError("must be 1 on Windows, where processes cannot share a port")
        return workers

    @field_validator("grpc_tls_key", "grpc_tls_client_ca")
    @classmethod
    def _need_certificate(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        certified = info.data.get("grpc_tls_cert") is not None
        if path is not None and not certified:
            raise ValueError("needs GRPC_TLS_CERT as well")
        if path is None and certified and info.field_name == "grpc_tls_key":
            raise ValueError("is missing, and GRPC_TLS_CERT needs it")
        return path

    @property
    def record_rate(self) -> float:
        """Share of the requests whose rows are recorded; 0: none."""
        return {"off": 0.0, "all": 1.0}.get(self.record) or float(self.record.partition(":")[2] or 0)

    @property
    def serves_models_only(self) -> bool:
        """Whether the program only runs models, for other machines in front of it."""
        return self.role == "model-server"

    @model_validator(mode="before")
    @classmethod
    def _accept_key_file_alone(cls, values: dict[str, object]) -> dict[str, object]:
        if not values.get("api_keys_file"):
            if not Path(DEFAULT_KEYS_FILE).exists():
                return values
            values = {**values, "api_keys_file": DEFAULT_KEYS_FILE}
        return {**values, "api_key": values.get("api_key") or None}


def load_settings(workers: int | None = None, role: str | None = None, models: str | None = None) -> Settings:
    """Read the settings from the environment and from ``.env`` in the working directory; the environment has priority.

    Args:
        workers: Number of workers from the command line, which overrides the setting.
        role: Role from the command line, which overrides the setting.
        models: Models, separated by commas, which override the setting.

    Returns:
        The settings.

    Raises:
        SettingsError: If settings are missing or invalid. The message names all of them and shows no values.
    """
    options: dict[str, Any] = {"workers": workers, "role": role, "models": models}
    options = {name: value for name, value in options.items() if value is not None}
    return _load(partial(Settings, **options))


def load_model_settings() -> ModelSettings:
    """Read only the settings of models; the others need not be valid.

    Raises:
        SettingsError: See `load_settings`.
    """
    return _load(ModelSettings)


def log_deprecated_names(settings: ModelSettings) -> None:
    """Log a warning for each setting that is set under its former name."""
    for former, name in settings.deprecated_names.items():
        _log.warning("%s is deprecated and will be removed in the next major version: use %s instead", former, name)


def log_readable_secrets(settings: Settings) -> None:
    """Log a warning for ``.env`` and the key file if other users of the machine may read them.

    A file in a folder that others may not enter is private, and so is one on a read-only mount: containers get secrets
    that way, with a mode that fits the container's user.
    """
    for name, path in ((ENV_FILE, Path(ENV_FILE)), ("API_KEYS_FILE", settings.api_keys_file)):
        try:
            if path is not None and _others_may_read(path):
                _log.warning("%s can be read by other users of this machine: use chmod 600", name)
        except OSError:  # it is missing, or cannot be read, which is said elsewhere
            continue


def _others_may_read(path: Path) -> bool:
    if sys.platform == "win32":  # the mode does not tell there
        return False
    file, folder = path.stat(), path.resolve().parent.stat()
    is_readable = bool(file.st_mode & (stat.S_IRGRP | stat.S_IROTH))
    is_reachable = bool(folder.st_mode & (stat.S_IXGRP | stat.S_IXOTH))
    return is_readable and is_reachable and not os.statvfs(path).f_flag & os.ST_RDONLY


def _load(read: Callable[[], _SettingsT]) -> _SettingsT:
    try:
        return read()
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        raise SettingsError("; ".join(_message(str(fault["loc"][0]), fault["msg"]) for fault in faults)) from None
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f"{ENV_FILE} cannot be read as UTF-8 text") from None


class _LabelPlaces(BaseSettings):
    model_config = Settings.model_config

    feedback_path: str = ""
    record_path: Annotated[str, AfterValidator(_check_record_path)] = "records"


def label_places() -> tuple[str, str]:
    """Read only the settings of where labels and records are; the other settings need not be valid.

    Returns:
        The folder of the labels, and the folder or bucket of the records.

    Raises:
        SettingsError: If a setting is invalid, or ``.env`` cannot be read.
    """
    places = _load(_LabelPlaces)
    return places.feedback_path or places.record_path, places.record_path


class _Keys(BaseSettings):
    model_config = Settings.model_config

    api_keys_file: OptionalPath = None


def keys_file() -> Path:
    """Read only the setting API_KEYS_FILE, or take its default; the other settings need not be valid.

    Raises:
        SettingsError: If ``.env`` cannot be read.
    """
    return _load(_Keys).api_keys_file or Path(DEFAULT_KEYS_FILE)


class _Files(BaseSettings):
    model_config = Settings.model_config

    usage_path: OptionalPath = None
    audit_path: OptionalPath = None


def usage_file() -> Path | None:
    """Read only the setting USAGE_PATH; the other settings need not be valid.

    Raises:
        SettingsError: If ``.env`` cannot be read.
    """
    return _load(_Files).usage_path


def audit_file() -> Path | None:
    """Read only the setting AUDIT_PATH; the other settings need not be valid.

    Raises:
        SettingsError: If ``.env`` cannot be read.
    """
    return _load(_Files).audit_path


def changed_settings(settings: Settings) -> dict[str, str]:
    """Return the settings that differ from their defaults, as text by name; of secrets only that they are set."""
    changed = {}
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            if value != field.default:
                changed[name.upper()] = "(secret)"
        elif field.is_required() or value != field.default:
            if value is not None:
                changed[name.upper()] = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return changed


def _message(name: str, reason: str) -> str:
    reason = "is missing" if reason == "Field required" else reason.removeprefix("Value error, ")
    if name == "api_key":
        return f"API_KEY {reason}; {HOW_TO_MAKE_A_KEY}"
    former = "".join(f" (formerly {old.upper()})" for old, new in RENAMED.items() if new == name)
    return f"{name.upper()}{former}: {reason}"


def create_env_file() -> str | None:
    """Create ``.env`` from ``.env.example`` with a new random key, unless the file or a key exists.

    The file is created atomically with mode 600. An existing file is never changed.

    Returns:
        The new key, or None if no file was created.

    Raises:
        SettingsError: If the file cannot be written.
    """
    target, example = Path(ENV_FILE), Path(ENV_EXAMPLE)
    has_key = {"API_KEY", "API_KEYS_FILE"} & {name.upper() for name in os.environ}
    if target.exists() or has_key or not example.is_file():
        return None
    key = secrets.token_urlsafe(32)
    text = example.read_text("utf-8").replace("\nAPI_KEY=\n", f"\nAPI_KEY={key}\n", 1)
    staged = Path(f"{ENV_FILE}.{secrets.token_hex(4)}")
    try:
        _write_private(staged, text)
        os.link(staged, target)  # unlike rename, fails if another process created the file in the meantime
    except FileExistsError:
        return None
    except OSError as error:
        raise SettingsError(f"{ENV_FILE} cannot be created: {error.strerror}; {HOW_TO_MAKE_A_KEY}") from None
    finally:
        staged.unlink(missing_ok=True)
    return key


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
