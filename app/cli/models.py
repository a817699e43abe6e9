"""List, verify, try and activate versions of models. A running server applies a change within a second or two."""

import argparse
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from pydantic import JsonValue

from app.audit import Audit
from app.bundle.fetch import models_root
from app.bundle.pointer import activate, active_version, rollback
from app.bundle.rollout import end_rollout, read_rollout
from app.bundle.store import models, versions
from app.cli.bundles import active_or_none, check_version, model_settings, root_of
from app.cli.output import write_line
from app.cli.rollouts import add_rollout_commands
from app.errors import BundleError
from app.models.quarantine import read_quarantined
from app.settings import audit_file


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``models`` and its subcommands.

    Args:
        commands: The parser's commands; each subcommand sets its function as ``run`` in the parsed arguments.
    """
    parser = commands.add_parser(
        "models", help="list, verify, try and activate versions of models", description=__doc__
    )
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
    add_rollout_commands(actions)


def _list(arguments: argparse.Namespace) -> None:
    settings = model_settings()
    root, approved = models_root(settings), settings.model_sha256
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
        spec = None
        try:
            spec = read_rollout(root, name)
        except BundleError as error:
            faults.append(str(error))
        for version in existing:
            state, verdict = "active" if version == active else "-", _verdict(root / name / version, approved)
            if spec is not None and spec.version == version and version != active:
                state, verdict = "stopped" if spec.stopped else spec.mode, f"{verdict}  {spec.summary}"
            write_line(f"{name}  {version}  {state}  {verdict}")
        if spec is not None and spec.version not in existing:
            write_line(f"{name}  {spec.version}  {'stopped' if spec.stopped else spec.mode}  missing  {spec.summary}")
        for fault in dict.fromkeys(faults):
            write_line(f"{name}  -  -  bad: {fault}")


def _verdict(folder: Path, approved: Collection[str]) -> str:
    try:
        read_quarantined(folder, approved=approved)
    except BundleError as error:
        return f"bad: {error}"
    return "good"


def _verify(arguments: argparse.Namespace) -> None:
    settings, name = model_settings(), arguments.name
    root = root_of(settings, name)
    version = arguments.version or active_version(root, name)
    if version is None:
        raise BundleError(f"{root / name}: no version is active")
    check_version(settings, root, name, version)
    write_line(f"{name}  {version}  good")


def _activate(arguments: argparse.Namespace) -> None:
    settings, name, version = model_settings(), arguments.name, arguments.version
    root = root_of(settings, name)
    bundle = check_version(settings, root, name, version)
    for baseline in _better_baselines(bundle.manifest.metrics.values):
        print(f"WARNING: {name} {version} is worse than the baseline {baseline}, by its own manifest", file=sys.stderr)
    with Audit(audit_file()).command("model.activate", name) as change:
        change.before, change.after = active_or_none(root, name), version
        activate(root, name, version)
    _end_own_rollout(root, name, version)
    write_line(f"{name}  {version}  active")


def _end_own_rollout(root: Path, name: str, version: str) -> None:
    """End the rollout of a version that has become active; a broken file is left to `models list`."""
    with suppress(BundleError):
        spec = read_rollout(root, name)
        if spec is not None and spec.version == version:
            end_rollout(root, name, spec)


def _rollback(arguments: argparse.Namespace) -> None:
    settings, name = model_settings(), arguments.name
    check = partial(read_quarantined, approved=settings.model_sha256)
    root = root_of(settings, name)
    with Audit(audit_file()).command("model.rollback", name) as change:
        change.before = active_or_none(root, name)
        change.after = version = rollback(root, name, check)
    write_line(f"{name}  {version}  active")


def _better_baselines(values: Mapping[str, JsonValue]) -> list[str]:
    """List the baselines that are better with the whole interval of the difference, where the metrics state one."""
    paired = values.get("paired")
    found = []
    for name, gap in paired.items() if isinstance(paired, dict) else ():
        low = gap.get("low") if isinstance(gap, dict) else None
        if isinstance(low, float) and low > 0:
            found.append(name)
    return found
