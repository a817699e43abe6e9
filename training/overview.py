"""The commands of ``python -m training`` and what they do, read from the modules' text, so that nothing is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

OWN = "COMMAND"
"""The constant of a module that is a command of its own."""
USAGE = "python -m training [COMMAND] [ARGUMENTS]"
_FOLDER = Path(__file__).parent
_OPTIONAL = "train"
"""The command that may be left out."""


def own_commands() -> dict[str, str]:
    """Return the commands that modules of their own implement, with the first line of their docstring."""
    found = {}
    for path in sorted((*_FOLDER.glob("*.py"), *_FOLDER.glob("*/command.py"))):
        name = path.parent.name if path.name == "command.py" else path.stem
        for summary in _summaries(ast.parse(path.read_text("utf-8"))):
            found[name] = summary
    return found


def _summaries(module: ast.Module) -> Iterator[str]:
    functions = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    for node in module.body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [OWN]:
            function = functions.get(getattr(node.value, "id", ""))
            yield (function and ast.get_docstring(function) or "").partition("\n")[0]


def overview(commands: dict[str, str]) -> str:
    """Build the help text that lists all commands.

    Args:
        commands: What each command does.
    """
    width = max(map(len, commands))
    lines = [
        f"  {name:{width}}  {summary}{' The default: may be left out.' if name == _OPTIONAL else ''}".rstrip()
        for name, summary in commands.items()
    ]
    return (
        f"usage: {USAGE}\n\nTrains models and scores bundles.\n\ncommands:\n"
        + "\n".join(lines)
        + "\n\n`python -m training COMMAND --help` explains a command and its arguments."
    )
