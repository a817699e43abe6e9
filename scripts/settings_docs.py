"""Write ``.env.example`` and the settings table of README.md from the descriptions in ``app/settings.py``.

Usage: ``python scripts/settings_docs.py [--check]``. With ``--check`` nothing is written; the exit code is 1 if a file
is not up to date.
"""

import argparse
import re
import sys
from pathlib import Path
from textwrap import wrap

from pydantic import SecretStr
from pydantic.fields import FieldInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.settings import HOW_TO_MAKE_A_KEY, Settings  # noqa: E402

_TABLE = re.compile(
    r"(?<=<!-- settings: written by scripts/settings_docs\.py -->\n\n).*?(?=\n\n<!-- /settings -->)", re.S
)
_HEADER = """\
# Settings of Beer Model. `python -m app` copies this file to .env with a new API key, if .env does not exist.
# Environment variables override this file. Written by scripts/settings_docs.py from app/settings.py.
"""


def main() -> int:
    """Write or check the files, and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is not up to date")
    check = parser.parse_args().check
    readme = ROOT / "README.md"
    texts = {ROOT / ".env.example": env_example(), readme: _TABLE.sub(lambda _: table(), readme.read_text("utf-8"))}
    stale = [path for path, text in texts.items() if path.read_text("utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.name} is not up to date: run python scripts/settings_docs.py", file=sys.stderr)
        else:
            path.write_text(texts[path], "utf-8")
            print(f"wrote {path.name}")
    return int(check and bool(stale))


def env_example() -> str:
    """Return the text of ``.env.example``: each setting with its description and default."""
    lines = [_HEADER]
    for name, field in _fields():
        lines += (f"# {line}" for line in wrap((field.description or "").replace("`", ""), 118))
        if name == "api_key":
            lines.append(f"# {HOW_TO_MAKE_A_KEY.capitalize()}")
        lines.append(f"{name.upper()}={_default(field)}")
    return "\n".join(lines) + "\n"


def table() -> str:
    """Return the table of the settings in Markdown."""
    lines = ["| setting | default | description |", "|---|---|---|"]
    for name, field in _fields():
        default = _default(field)
        description = re.sub(r"docs/\w+\.md", r"[\g<0>](\g<0>)", field.description or "")
        lines.append(f"| `{name.upper()}` | {f'`{default}` ' if default else ''}| {description} |")
    return "\n".join(lines)


def _fields() -> list[tuple[str, FieldInfo]]:
    fields = Settings.model_fields
    return [("api_key", fields["api_key"]), *((name, field) for name, field in fields.items() if name != "api_key")]


def _default(field: FieldInfo) -> str:
    value = field.default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or value == () or field.is_required() else str(value)


if __name__ == "__main__":
    sys.exit(main())
