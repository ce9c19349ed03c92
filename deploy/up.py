"""`python -m corridor up`: Kafka, Postgres and the three services on real time, for as long as the command runs.

Invariant: what it prints is what a party needs to connect: addresses, the dashboard, and the file that a shell reads
to have them all, with the tokens.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.launcher import Launched, disposable_directory, launched, watch_until_interrupt
from deploy.local.errors import CannotRun
from deploy.local.interrupt import stop_on_signals
from deploy.private import keep_private
from deploy.services import SERVICES


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until Ctrl-C; returns the exit code."""
    options = _parser().parse_args(arguments)
    keep_private()
    stop_on_signals()
    try:
        _run(options.data, options.services)
    except KeyboardInterrupt:
        _say("stopped")
    except (CannotRun, TimeoutError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corridor up", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="keep data in this directory (default: a temporary one)")
    parser.add_argument("--services", nargs="+", choices=SERVICES, default=list(SERVICES), metavar="SERVICE")
    return parser


def _run(data: Path | None, services: Sequence[str]) -> None:
    with ExitStack() as open_until_the_end:
        directory = data or open_until_the_end.enter_context(disposable_directory())
        all_of_it = open_until_the_end.enter_context(launched(directory, _say, services, fsync=data is not None))
        _tell(all_of_it)
        watch_until_interrupt(all_of_it.services, _say)


def _tell(running: Launched) -> None:
    _say(f"Kafka          {running.stack.kafka_bootstrap}")
    for endpoint in running.services.endpoints:
        _say(f"{endpoint.service:<14} {endpoint.url}")
    if any(endpoint.service == "notifications" for endpoint in running.services.endpoints):
        _say(f"dashboard      {running.dashboard}")
    _say(f"to connect     . {running.environment_file.absolute()}")
    _say("running; Ctrl-C stops it")


def _say(line: str) -> None:
    print(line, flush=True)
