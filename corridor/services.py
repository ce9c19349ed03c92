"""The commands about one service.

Invariant: a process that runs a service becomes that of the service, as launchers start it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from contracts.topics import SERVICES


def service(words: Sequence[str]) -> NoReturn:
    """Runs one copy of a service until it is stopped."""
    options = _parser("service", "one copy of a service, until it is stopped").parse_args(words)
    _become(options.service)


def dead_letters(words: Sequence[str]) -> int:
    """Works on what a service has put aside, by asking a copy of it."""
    parser = _parser("dead-letters", "python -m corridor dead-letters SERVICE --help says what may follow")
    options = parser.parse_args(words[:1])
    from services.chassis.dead_letters import cli

    return cli.run(options.service, words[1:])


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m corridor {name}", description=description)
    parser.add_argument("service", choices=SERVICES, help="which of them")
    return parser


def _become(service: str, *words: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}", *words])
