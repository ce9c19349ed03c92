"""`python -m corridor page`: types and lint of the page's JavaScript; fails where something is found.

Deno brings TypeScript and a linter in one program, which is a package like the others: nobody needs Node.

Invariant: nothing is fetched, and no file is excused.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = Path("services/notifications/dashboard")
CONFIG: Final = Path("deno.json")
_DENO: Final = Path(sys.executable).parent / "deno"
_COMMANDS: Final = (("check", "--no-remote", "--no-npm"), ("lint",))
# A comment that silences the checker, and a type that says nothing.
_EXCUSE: Final = re.compile(r"@ts-\w+|[{<(|,:]\s*(any|\*)(\[\])*\s*[})>|,]")


def faults(root: Path) -> list[str]:
    """What is wrong with the page under a root; raises `FileNotFoundError` where Deno is not installed."""
    files = sorted((root / PAGE).glob("*.js"))
    return [*_excused(files), *(told for command in _COMMANDS if (told := _told(root, command, files)))]


def _told(root: Path, command: tuple[str, ...], files: list[Path]) -> str:
    """What a command has to say against the files; nothing when it says nothing."""
    done = subprocess.run(
        [_DENO, *command, "--quiet", "--config", root / CONFIG, *files],
        env=os.environ | {"DENO_DIR": str(ROOT / ".deno_cache"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return f"{done.stdout}{done.stderr}".strip() or "deno failed" if done.returncode else ""


def _excused(files: list[Path]) -> Iterator[str]:
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if found := _EXCUSE.search(line):
                yield f"{file.name}:{number}: {found[0]} says nothing: give it a type"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what is wrong; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor page", description="types and habits of the page's code")
    parser.add_argument("--root", type=Path, default=ROOT, help="where the page is, with the configuration")
    try:
        found = faults(parser.parse_args(arguments).root)
    except FileNotFoundError:
        found = [f"{_DENO} is missing: `make setup` fetches it, online, once; all but `make verify` works without"]
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0
