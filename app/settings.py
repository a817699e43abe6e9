"""Settings from the environment and ``.env``; the only module that reads either.

Each setting is described once, in its `Field`, here or in its group in `app.setting_groups`.
``scripts/settings_docs.py`` writes ``.env.example`` and the table in README.md from these descriptions, in which text
between backticks is code.
"""

import logging
import os
import secrets
import stat
import sys
from collections.abc import Callable
from functools import partial
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
from app.setting_groups.access import DEFAULT_KEYS_FILE, AccessSettings
from app.setting_groups.common import DEFAULT_MODELS, OptionalPath, check_source, split
from app.setting_groups.grpc import GrpcSettings
from app.setting_groups.http import HttpSettings
from app.setting_groups.labels import LabelSettings
from app.setting_groups.platform import PollSettings, TransformSettings
from app.setting_groups.records import RecordSettings, check_record_path
from app.setting_groups.running import RunningSettings
from app.setting_groups.telemetry import TelemetrySettings

_SettingsT = TypeVar("_SettingsT", bound=BaseSettings)

ENV_FILE = ".env"
ENV_EXAMPLE = ".env.example"
HOW_TO_MAKE_A_KEY = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
RENAMED = {"model_path": "model_uri", "max_in_work": "thread_pool_size", "max_waiting": "thread_pool_queue"}
"""Former names of settings, which still work and will go with the next major version, and their present names."""

_DEPRECATED = "deprecated names"
"""Key under which the sources report the former names in use; no environment variable's name has a space."""
_log = logging.getLogger(__name__)


def _check_endpoint(url: str) -> str:
    if url and not url.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
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
    model_uri: Annotated[str, AfterValidator(check_source)] = Field(
        default=DEFAULT_MODELS,
        description="Source of the model bundles: a folder that holds `NAME/VERSION/`, or `s3://bucket/prefix`, which "
        "is downloaded at the start.",
    )
    model_sha256: Annotated[tuple[Digest, ...], NoDecode, BeforeValidator(split)] = Field(
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


class Settings(
    LabelSettings,  # the last group first: the fields are in the order of the groups from ModelSettings on
    RecordSettings,
    RunningSettings,
    GrpcSettings,
    HttpSettings,
    AccessSettings,
    TelemetrySettings,
    ModelSettings,
):
    """All settings. The environment variable has the name of the attribute, in capitals."""

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
    record_path: Annotated[str, AfterValidator(check_record_path)] = "records"


def label_places() -> tuple[str, str]:
    """Read only the settings of where labels and records are; the other settings need not be valid.

    Returns:
        The folder of the labels, and the folder or bucket of the records.

    Raises:
        SettingsError: If a setting is invalid, or ``.env`` cannot be read.
    """
    places = _load(_LabelPlaces)
    return places.feedback_path or places.record_path, places.record_path


class _Poll(PollSettings, BaseSettings):
    model_config = Settings.model_config


class _Transform(TransformSettings, BaseSettings):
    model_config = Settings.model_config


def load_poll_settings() -> PollSettings:
    """Read only the settings of what asks the beer API.

    Raises:
        SettingsError: See `load_settings`.
    """
    return _load(_Poll)


def load_transform_settings() -> TransformSettings:
    """Read only the settings of what cleans beers.

    Raises:
        SettingsError: See `load_settings`.
    """
    return _load(_Transform)


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
