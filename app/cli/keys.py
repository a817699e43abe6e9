"""The commands ``keys create``, ``keys list`` and ``keys revoke``: they change the file that API_KEYS_FILE names."""

import argparse
import re
import secrets
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from app.access.key_file import KeyFile, StoredKey, change_keys, read_keys
from app.access.keys import SCOPES
from app.access.rates import check_rate
from app.errors import SettingsError
from app.settings import keys_file

_BYTES = 32
_LONGEST_NAME = 64
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add ``keys`` and what it can do.

    Args:
        commands: Where to; each command leaves its function as ``run`` in what is parsed.
    """
    keys = commands.add_parser("keys", help="make, list and revoke keys", description=__doc__)
    actions = keys.add_subparsers(required=True, metavar="COMMAND")
    create = actions.add_parser("create", help="make a key and print it, this once")
    create.add_argument("--name", required=True, type=_name, help="who it is for; the id begins with it")
    create.add_argument("--scopes", type=_scopes, default="predict", help="what it is for: %(default)s by default")
    create.add_argument("--expires", type=_moment, help="when it ends: 12h, 90d, 2w, or a date")
    create.add_argument("--rate", type=_rate, help="most calls in a time: 100/minute")
    create.set_defaults(run=_create)
    actions.add_parser("list", help="list keys, a line each, the id first").set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="forget a key")
    revoke.add_argument("id", help="its id, from list")
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
    change_keys(_path(), lambda old: KeyFile(keys=(*old.keys, stored)))
    print(f"{stored.id}: this key is shown once; only its SHA-256 is kept.", file=sys.stderr)
    print(key)


def _list(arguments: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    for key in read_keys(_path()).keys:
        ends = "never expires" if key.expires is None else f"expires {key.expires:%Y-%m-%dT%H:%M:%SZ}"
        if key.expires is not None and key.expires <= now:
            ends = ends.replace("expires", "expired")
        scopes = ",".join(sorted(key.scopes))
        print(f"{key.id}  {scopes}  created {key.created:%Y-%m-%dT%H:%M:%SZ}  {ends}  {key.rate or 'no rate'}")


def _revoke(arguments: argparse.Namespace) -> None:
    def without(old: KeyFile) -> KeyFile:
        kept = tuple(key for key in old.keys if key.id != arguments.id)
        if len(kept) == len(old.keys):
            raise SettingsError(f"no key has the id {arguments.id}")
        return KeyFile(keys=kept)

    read_keys(_path())  # a missing file is an error here, not an empty one
    change_keys(_path(), without)


def _path() -> Path:
    path = keys_file()
    if path is None:
        raise SettingsError("API_KEYS_FILE is not set: it names the file of keys")
    return path


def _name(text: str) -> str:
    name = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-._")[:_LONGEST_NAME]
    if not name:
        raise argparse.ArgumentTypeError("needs a letter or a digit")
    return name


def _scopes(text: str) -> frozenset[str]:
    scopes = frozenset(part.strip() for part in text.split(",")) - {""}
    if not scopes or not scopes <= set(SCOPES):
        raise argparse.ArgumentTypeError(f"must be some of {', '.join(SCOPES)}, with commas between them")
    return scopes


def _moment(text: str) -> datetime:
    now = datetime.now(UTC).replace(microsecond=0)
    try:
        if span := re.fullmatch(r"([1-9][0-9]{0,5})([mhdw])", text):
            return now + int(span[1]) * _UNITS[span[2]]
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError("must be a time such as 90d or 12h, or a date such as 2027-01-31") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _rate(text: str) -> str:
    try:
        return check_rate(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
