"""Builds what decides on access: the key ring, the rate limits, and the models that need no key."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.access.failed_keys import FailedKeyLimiter
from app.access.guard import Limits
from app.access.keys import KeyRing, default_principal
from app.access.public import PublicModels
from app.access.rates import FAILURES, RateLimiter, parse_rate
from app.errors import SettingsError
from app.settings import Settings
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.access.key_file_watcher import KeyFileWatcher


def build_keys(settings: Settings, metrics: Registry) -> tuple[KeyRing, "KeyFileWatcher | None"]:
    """Build the key ring, and the watcher of the key file if one is set; the file is read once.

    Raises:
        SettingsError: If the default rate is invalid, or the key file is missing or invalid.
    """
    try:
        rate = parse_rate(settings.rate_limit) if settings.rate_limit else None
    except ValueError as error:
        raise SettingsError(f"RATE_LIMIT: {error}") from None
    own = default_principal(settings.api_key.get_secret_value(), rate) if settings.api_key else {}
    ring = KeyRing(own)
    if settings.api_keys_file is None:
        return ring, None
    from app.access.key_file_watcher import KeyFileWatcher  # imported only where there is a key file

    watcher = KeyFileWatcher(settings.api_keys_file, ring, own, rate, metrics)
    watcher.load()
    return ring, watcher


def build_limits(settings: Settings, metrics: Registry) -> Limits:
    """Build the limits on known keys and on wrong keys."""
    failures = metrics.counter(FAILURES)
    rates = RateLimiter(settings.rate_limit_storage.get_secret_value(), settings.rate_limit_failure, failures.inc)
    return Limits(rates, FailedKeyLimiter(settings.auth_failures_per_minute), settings.trusted_proxies)


def build_public_models(settings: Settings, names: Sequence[str]) -> PublicModels:
    """Build the set of models that need no key.

    Args:
        settings: Names the public models.
        names: The models that are served.

    Raises:
        SettingsError: If a public model is not served.
    """
    if not set(settings.public_models) <= set(names):
        raise SettingsError(f"PUBLIC_MODELS: names a model that is not served; there are {', '.join(names)}")
    return PublicModels(settings.public_models)
