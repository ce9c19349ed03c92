"""The commands that a service's own process carries out.

Invariant: the process becomes that of the service, as launchers start it; nothing of this one stands around it.
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


def dead_letters(words: Sequence[str]) -> NoReturn:
    """Works on what a service has put aside."""
    _ask("dead-letters", words)


def cluster(words: Sequence[str]) -> NoReturn:
    """Shows, or forgets, the Kafka that a service's store belongs to."""
    _ask("cluster", words)


def _ask(area: str, words: Sequence[str]) -> NoReturn:
    parser = _parser(area, f"python -m corridor {area} SERVICE --help says what may follow")
    _become(parser.parse_args(words[:1]).service, area, *words[1:])


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m corridor {name}", description=description)
    parser.add_argument("service", choices=SERVICES, help="which of them")
    return parser


def _become(service: str, *words: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", f"services.{service}", *words])
