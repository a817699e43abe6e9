"""Create, list and revoke API keys in the file named by API_KEYS_FILE; without it, in keys.json."""

import argparse
import contextlib
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from app.access.key_file import KeyFile, StoredKey, change_keys, read_keys
from app.access.keys import SCOPES
from app.access.rates import check_rate
from app.audit import Audit
from app.cli.output import write_line
from app.errors import SettingsError
from app.settings import audit_file, keys_file

_BYTES = 32
_MAX_NAME = 64
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command ``keys`` and its subcommands.

    Args:
        commands: The parser's commands; each subcommand sets its function as ``run`` in the parsed arguments.
    """
    keys = commands.add_parser("keys", help="create, list and revoke API keys", description=__doc__)
    actions = keys.add_subparsers(required=True, metavar="COMMAND")
    create = actions.add_parser("create", help="create a key and print it once")
    create.add_argument("--name", required=True, type=_name, help="name of the owner; the key's id starts with it")
    create.add_argument(
        "--scopes",
        type=_scopes,
        default="predict",
        help=f"comma-separated scopes: {', '.join(SCOPES)} (default: %(default)s)",
    )
    create.add_argument("--expires", type=_expiry, help="lifetime such as 12h, 90d or 2w, or a date (default: never)")
    create.add_argument("--rate", type=_rate, help="maximum rate of calls, such as 100/minute (default: RATE_LIMIT)")
    create.set_defaults(run=_create)
    actions.add_parser("list", help="list the keys, one per line, starting with the id").set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="revoke a key")
    revoke.add_argument("id", help="the key's id; see list")
    revoke.set_defaults(run=_revoke)


def _create(arguments: argparse.Namespace) -> None:
    key = secrets.token_urlsafe(_BYTES)
    stored = StoredKey(
        id=f"{arguments.name}-{secrets.token_hex(4)}",
        sha256=sha256(key.encode()).hexdigest(),
        scopes=arguments.scopes,
        created=datetime.now(UTC).replace(microsecond=0),
        expires=arguments.expires,
        rate=arguments.rate,
    )

    def added(old: KeyFile) -> KeyFile:
        new = KeyFile(keys=(*old.keys, stored))
        write_line(key)  # before the file is replaced: a key that nobody saw must not be valid
        return new

    path = keys_file()
    is_first = not path.exists()
    with Audit(audit_file()).command("key.create", stored.id) as change:
        change_keys(path, added)
        change.after = _described(stored)
    with contextlib.suppress(OSError):
        print(f"{stored.id}: the key is shown only once; its SHA-256 is stored in {path}.", file=sys.stderr)
        if is_first:
            print(f"{path} is new: a service that is running reads it after a restart.", file=sys.stderr)


def _list(arguments: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    for key in read_keys(keys_file()).keys:
        expiry = "never expires" if key.expires is None else f"expires {key.expires:%Y-%m-%dT%H:%M:%SZ}"
        if key.expires is not None and key.expires <= now:
            expiry = expiry.replace("expires", "expired")
        scopes = ",".join(sorted(key.scopes))
        write_line(f"{key.id}  {scopes}  created {key.created:%Y-%m-%dT%H:%M:%SZ}  {expiry}  {key.rate or 'no rate'}")


def _revoke(arguments: argparse.Namespace) -> None:
    revoked: list[StoredKey] = []

    def without(old: KeyFile) -> KeyFile:
        revoked[:] = [key for key in old.keys if key.id == arguments.id]
        remaining = tuple(key for key in old.keys if key.id != arguments.id)
        if len(remaining) == len(old.keys):
            raise SettingsError(f"no key has the id {arguments.id}")
        return KeyFile(keys=remaining)

    read_keys(keys_file())  # here a missing file is an error
    with Audit(audit_file()).command("key.revoke", arguments.id) as change:
        change_keys(keys_file(), without)
        change.before = _described(revoked[0])


def _described(key: StoredKey) -> dict[str, object]:
    """Return what the audit says about a key: everything but its digest."""
    return key.model_dump(mode="json", exclude={"sha256", "scopes"}, exclude_none=True) | {"scopes": sorted(key.scopes)}


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-._")[:_MAX_NAME]
    if not name:
        raise argparse.ArgumentTypeError("must contain a letter or a digit")
    return name


def _scopes(text: str) -> frozenset[str]:
    scopes = frozenset(part.strip() for part in text.split(",")) - {""}
    if not scopes or not scopes <= set(SCOPES):
        raise argparse.ArgumentTypeError(f"must be a comma-separated list of {', '.join(SCOPES)}")
    return scopes


def _expiry(text: str) -> datetime:
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        if span := re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text):
            return now + int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            "must be a lifetime such as 90d or 12h, or a date such as 2027-01-31"
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rate(text: str) -> str:
    try:
        return check_rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
