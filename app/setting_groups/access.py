"""Settings of API keys and rates."""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from app.setting_groups.common import OptionalPath, SettingGroup, check_sent, split

SHORTEST_KEY = 16
DEFAULT_KEYS_FILE = "keys.json"
"""The key file where API_KEYS_FILE is not set: ``keys create`` makes it, and a service reads it if it exists."""


def _check_key(key: SecretStr) -> SecretStr:
    if len(key.get_secret_value().strip()) < SHORTEST_KEY:
        raise ValueError(f"has fewer than {SHORTEST_KEY} characters")
    return check_sent(key)


def _check_store(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    if text != "memory://" and not text.startswith(("redis://", "rediss://")):
        raise ValueError("must be memory:// or a URL that begins with redis:// or rediss://")
    return url


class AccessSettings(SettingGroup):
    """The settings."""

    api_key: Annotated[SecretStr, AfterValidator(_check_key)] | None = Field(
        description="Key that clients send in the header `X-API-Key`: 16 characters or more. Required, unless "
        "`API_KEYS_FILE` is set; without either the program exits with code 2."
    )
    api_keys_file: OptionalPath = Field(
        default=None,
        description="File of further keys, made with `python -m app keys create`. Changes take effect within a second. "
        f"Empty: `{DEFAULT_KEYS_FILE}`, if it exists at the start.",
    )
    models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = Field(
        default=(),
        description="Models to serve, separated by commas, such as `cat-dog`. `beer-ibu` and `beer-ibu-recipe` are "
        "served together, with or without `beer-ibu-style`. Empty: all; those without a folder of their own in a local "
        "`MODEL_URI` are left out.",
    )
    public_models: Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)] = Field(
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
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(split)] = Field(
        default=(),
        description="Networks of proxies whose `X-Forwarded-For` is trusted, separated by commas, such as "
        "`10.0.0.0/8,127.0.0.1`.",
    )
