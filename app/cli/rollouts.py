"""Try a version beside the active one: as its shadow or its canary."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from app.audit import Audit
from app.bundle.manifest import Manifest
from app.bundle.pointer import active_version
from app.bundle.rollout import (
    MAX_WINDOW,
    WINDOW,
    RolloutSpec,
    end_rollout,
    new_id,
    promote,
    read_rollout,
    write_rollout,
)
from app.bundle.store import read_bundle
from app.cli.bundles import active_or_none, check_version, model_settings, root_of
from app.cli.output import write_line
from app.errors import BundleError
from app.settings import audit_file
from app.traffic.comparison import Comparison

_ALLOWED: Mapping[str, str] = {
    "version": "a version",
    "share": "above 0 and at most 1",
    "sticky": "key or header:NAME, the name in lower case",
    "max_difference": "above 0",
    "max_latency": "above 0",
    "max_errors": "at least 0",
    "window": f"1 to {MAX_WINDOW}",
}
"""What each option may be."""


def add_rollout_commands(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands of ``models`` that try a version.

    Args:
        actions: The subcommands; each sets its function as ``run`` in the parsed arguments.
    """
    shadow = actions.add_parser("shadow", help="try a version on copies of the inputs; its answers go nowhere")
    canary = actions.add_parser("canary", help="let a version answer a share of the calls")
    for parser, mode, share in (shadow, "shadow", 0.1), (canary, "canary", 0.05):
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("version", metavar="VERSION")
        parser.add_argument("--share", type=float, default=share, help="share of the calls (default: %(default)s)")
        parser.add_argument(
            "--max-difference",
            type=float,
            metavar="X",
            help="stop it if its answers differ by more on average, in the output's unit",
        )
        parser.add_argument(
            "--max-errors", type=int, default=0, metavar="K", help="stop it if more runs fail (default: %(default)s)"
        )
        parser.add_argument(
            "--max-latency", type=float, metavar="SECONDS", help="stop it if a run takes longer on average"
        )
        parser.add_argument(
            "--window",
            type=int,
            default=WINDOW,
            metavar="N",
            help="number of its latest runs in each worker to which the bounds apply (default: %(default)s)",
        )
        parser.set_defaults(run=_try, mode=mode, sticky="")
    canary.add_argument(
        "--sticky",
        metavar="key|header:NAME",
        default="",
        help="keep a caller on one side, by the API key's id or the value of a header (default: each call by itself)",
    )
    promotion = actions.add_parser("promote", help="make the version that is tried the active one")
    promotion.add_argument("name", metavar="NAME")
    promotion.set_defaults(run=_promote)
    stop = actions.add_parser("stop", help="end what shadow or canary began")
    stop.add_argument("name", metavar="NAME")
    stop.set_defaults(run=_stop)


def _try(arguments: argparse.Namespace) -> None:
    settings, name, version = model_settings(), arguments.name, arguments.version
    root = root_of(settings, name)
    fields = {field: getattr(arguments, field) for field in RolloutSpec.model_fields if hasattr(arguments, field)}
    fields["sticky"] = fields["sticky"].lower()  # names of headers, as the server sees them
    try:
        spec = RolloutSpec(**fields, id=new_id())
    except ValidationError as error:
        field = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        raise BundleError(f"--{field.replace('_', '-')}: must be {_ALLOWED[field]}") from None
    candidate = check_version(settings, root, name, version)
    active = active_version(root, name)
    if active is None:
        raise BundleError(f"{root / name}: no version is active")
    if active == version:
        raise BundleError(f"{root / name}: version {version} is active already")
    if spec.mode == "shadow" or spec.max_difference is not None:
        _check_comparable(read_bundle(root / name / active).manifest, candidate.manifest, spec)
    with Audit(audit_file()).command(f"model.{spec.mode}", name) as change:
        change.before, change.after = _tried(root, name), f"{version} {spec.summary}"
        write_rollout(root, name, spec)
    write_line(f"{name}  {version}  {spec.summary}")


def _check_comparable(active: Manifest, candidate: Manifest, spec: RolloutSpec) -> None:
    """Check that the versions can be compared.

    Raises:
        BundleError: If they cannot.
    """
    if spec.mode == "shadow":
        Comparison(active, candidate)
    else:
        Comparison(candidate, active)


def _promote(arguments: argparse.Namespace) -> None:
    settings, name = model_settings(), arguments.name
    root = root_of(settings, name)
    spec = read_rollout(root, name)
    if spec is None:
        raise BundleError(f"{root / name}: no version is tried; `models activate` makes any version active")
    if spec.stopped:
        raise BundleError(f"{root / name}: version {spec.version} was stopped: {spec.stopped}")
    check_version(settings, root, name, spec.version)
    with Audit(audit_file()).command("model.promote", name) as change:
        change.before, change.after = active_or_none(root, name), spec.version
        promote(root, name, spec)
    write_line(f"{name}  {spec.version}  active")


def _stop(arguments: argparse.Namespace) -> None:
    settings, name = model_settings(), arguments.name
    root = root_of(settings, name)
    try:
        spec = read_rollout(root, name)
    except BundleError as error:  # the server does not heed the file either
        with Audit(audit_file()).command("model.stop", name):
            end_rollout(root, name)
        write_line(f"{name}  -  -  removed: {error}")
        return
    if spec is None:
        raise BundleError(f"{root / name}: no version is tried")
    with Audit(audit_file()).command("model.stop", name) as change:
        change.before = f"{spec.version} {spec.summary}"
        end_rollout(root, name, spec)
    write_line(f"{name}  {spec.version}  -")


def _tried(root: Path, name: str) -> str | None:
    """Return the version that is tried, as the audit states it; None if there is none, or the file is broken."""
    try:
        spec = read_rollout(root, name)
    except BundleError:
        return None
    return f"{spec.version} {spec.summary}" if spec else None
