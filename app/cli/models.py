"""List, verify and activate versions of models. A running server applies a change within a second."""

import argparse
from pathlib import Path

from app.bundle.fetch import models_root
from app.bundle.pointer import activate, active_version, rollback
from app.bundle.store import models, versions
from app.errors import BundleError
from app.models.quarantine import read_quarantined
from app.settings import load_model_settings, log_deprecated_names


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


def _models() -> Path:
    settings = load_model_settings()
    log_deprecated_names(settings)
    return models_root(settings)


def _list(arguments: argparse.Namespace) -> None:
    root = _models()
    for name in models(root):
        try:
            active, fault = active_version(root, name), ""
        except BundleError as error:
            active, fault = None, str(error)
        for version in versions(root, name):
            state = "active" if version == active else "-"
            print(f"{name}  {version}  {state}  {_verdict(root / name / version)}")
        if fault:
            print(f"{name}  -  -  bad: {fault}")


def _verdict(folder: Path) -> str:
    try:
        read_quarantined(folder)
    except BundleError as error:
        return f"bad: {error}"
    return "good"


def _verify(arguments: argparse.Namespace) -> None:
    root, version = _root(arguments.name), arguments.version or active_version(_models(), arguments.name)
    if version is None:
        raise BundleError(f"{root / arguments.name}: no version is active")
    if version not in versions(root, arguments.name):
        raise BundleError(f"{root / arguments.name}: no version {version}")
    read_quarantined(root / arguments.name / version)
    print(f"{arguments.name}  {version}  good")


def _activate(arguments: argparse.Namespace) -> None:
    root, name, version = _root(arguments.name), arguments.name, arguments.version
    if version not in versions(root, name):
        raise BundleError(f"{root / name}: no version {version}")
    read_quarantined(root / name / version)
    activate(root, name, version)
    print(f"{name}  {version}  active")


def _rollback(arguments: argparse.Namespace) -> None:
    print(f"{arguments.name}  {rollback(_root(arguments.name), arguments.name)}  active")


def _root(name: str) -> Path:
    root = _models()
    if name not in models(root):
        raise BundleError(f"{root}: no model {name}")
    return root
