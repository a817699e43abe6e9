"""What the commands about models share: the settings, the folder of bundles, and the check of a version."""

from pathlib import Path

from app.bundle.fetch import models_root
from app.bundle.pointer import active_version
from app.bundle.store import Bundle, models, versions
from app.errors import BundleError
from app.models.quarantine import read_quarantined
from app.settings import ModelSettings, load_model_settings, log_deprecated_names


def model_settings() -> ModelSettings:
    """Load the settings about models."""
    settings = load_model_settings()
    log_deprecated_names(settings)
    return settings


def check_version(settings: ModelSettings, root: Path, name: str, version: str) -> Bundle:
    """Try a version in a child process, as the server does.

    Args:
        settings: The settings.
        root: Folder of bundles.
        name: Name of the model.
        version: The version.

    Raises:
        BundleError: If it is bad, or does not exist.
    """
    if version not in versions(root, name):
        raise BundleError(f"{root / name}: no version {version}")
    return read_quarantined(root / name / version, approved=settings.model_sha256)


def root_of(settings: ModelSettings, name: str) -> Path:
    """Return the folder of bundles.

    Args:
        settings: The settings.
        name: Name of a model.

    Raises:
        BundleError: If there is no such model.
    """
    root = models_root(settings)
    if name not in models(root):
        raise BundleError(f"{root}: no model {name}")
    return root


def active_or_none(root: Path, name: str) -> str | None:
    """Return the active version; None if there is none, or the pointer is broken.

    Args:
        root: Folder of bundles.
        name: Name of a model.
    """
    try:
        return active_version(root, name)
    except BundleError:
        return None
