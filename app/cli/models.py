"""List, verify and activate versions of models. A running server applies a change within a second."""

import argparse
import sys
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from app.bundle.fetch import models_root
from app.bundle.pointer import activate, active_version, rollback
from app.bundle.store import Bundle, models, versions
from app.cli.output import write_line
from app.errors import BundleError
from app.models.quarantine import read_quarantined
from app.settings import ModelSettings, load_model_settings, log_deprecated_names


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``models`` and its subcommands.

    Args:
        commands: The parser's commands; each subcommand sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser("models", help="list, verify and activate versions of models", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = actions.add_parser("list", help="list the versions: model, version, active or not, good or the fault")
    listing.set_defaults(run=_list)
    verify = actions.add_parser("verify", help="load a version and run its golden rows in a child process")
    verify.add_argument("name", metavar="NAME")
    verify.add_argument("version", metavar="VERSION", nargs="?", help="version (default: the active version)")
    verify.set_defaults(run=_verify)
    activation = actions.add_parser("activate", help="make a version the active one")
    activation.add_argument("name", metavar="NAME")
    activation.add_argument("version", metavar="VERSION")
    activation.set_defaults(run=_activate)
    rollback_ = actions.add_parser("rollback", help="make the previous version the active one")
    rollback_.add_argument("name", metavar="NAME")
    rollback_.set_defaults(run=_rollback)


def _settings() -> ModelSettings:
    settings = load_model_settings()
    log_deprecated_names(settings)
    return settings


def _list(arguments: argparse.Namespace) -> None:
    settings = _settings()
    root = models_root(settings)
    for name in models(root):
        active, faults = None, []
        try:
            active = active_version(root, name)
        except BundleError as error:
            faults.append(str(error))
        try:
            existing = versions(root, name)
        except BundleError as error:
            existing = []
            faults.append(str(error))
        for version in existing:
            state = "active" if version == active else "-"
            write_line(f"{name}  {version}  {state}  {_verdict(root / name / version, settings.model_sha256)}")
        for fault in dict.fromkeys(faults):
            write_line(f"{name}  -  -  bad: {fault}")


def _verdict(folder: Path, approved: Collection[str]) -> str:
    try:
        read_quarantined(folder, approved=approved)
    except BundleError as error:
        return f"bad: {error}"
    return "good"


def _verify(arguments: argparse.Namespace) -> None:
    settings, name = _settings(), arguments.name
    root = _root(settings, name)
    version = arguments.version or active_version(root, name)
    if version is None:
        raise BundleError(f"{root / name}: no version is active")
    _check(settings, root, name, version)
    write_line(f"{name}  {version}  good")


def _activate(arguments: argparse.Namespace) -> None:
    settings, name, version = _settings(), arguments.name, arguments.version
    root = _root(settings, name)
    bundle = _check(settings, root, name, version)
    for baseline in _better_baselines(bundle.manifest.metrics.values):
        print(f"WARNING: {name} {version} is worse than the baseline {baseline}, by its own manifest", file=sys.stderr)
    activate(root, name, version)
    write_line(f"{name}  {version}  active")


def _rollback(arguments: argparse.Namespace) -> None:
    settings, name = _settings(), arguments.name
    check = partial(read_quarantined, approved=settings.model_sha256)
    write_line(f"{name}  {rollback(_root(settings, name), name, check)}  active")


def _better_baselines(values: Mapping[str, JsonValue]) -> list[str]:
    """List the baselines that are better with the whole interval of the difference, where the metrics state one."""
    paired = values.get("paired")
    found = []
    for name, gap in paired.items() if isinstance(paired, dict) else ():
        low = gap.get("low") if isinstance(gap, dict) else None
        if isinstance(low, float) and low > 0:
            found.append(name)
    return found


def _check(settings: ModelSettings, root: Path, name: str, version: str) -> Bundle:
    """Try a version in a child process, as the server does."""
    if version not in versions(root, name):
        raise BundleError(f"{root / name}: no version {version}")
    return read_quarantined(root / name / version, approved=settings.model_sha256)


def _root(settings: ModelSettings, name: str) -> Path:
    root = models_root(settings)
    if name not in models(root):
        raise BundleError(f"{root}: no model {name}")
    return root
