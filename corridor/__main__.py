"""`python -m corridor <command> [options]`.

Invariant: what cannot be run is one line on standard error and exit code 2; else the exit code is the command's own.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Sequence

from corridor.commands import COMMANDS, GROUPS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that the first word names, with the words after it; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    name = words.pop(0) if words else ""
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        said = f"there is no command {name!r}" if name else "say which command"
        return _refuse(f"{said}; there are: {', '.join(COMMANDS)}")
    try:
        run = pkgutil.resolve_name(COMMANDS[name].place)
    except ModuleNotFoundError as missing:
        return _refuse(f"{name} needs {missing.name}, which is not installed here")
    code: int = run(words)
    return code


def usage() -> str:
    """All commands, a line for each."""
    width = max(map(len, COMMANDS))
    lines = ["usage: python -m corridor <command> [options]"]
    for title, group in GROUPS.items():
        lines += ["", f"{title}:", *(f"  {name:<{width}}  {command.summary}" for name, command in group.items())]
    return "\n".join([*lines, "", "python -m corridor <command> --help says what a command takes"])


def _refuse(why: str) -> int:
    print(f"corridor: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
