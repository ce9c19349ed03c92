"""`python -m corridor stack`: the stack for as long as the command runs.

Invariant: Ctrl-C, a termination signal and an error all end in everything stopped.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from deploy.local.databases import SERVICES
from deploy.local.datadir import temporary_directory
from deploy.local.errors import CannotRun
from deploy.local.interrupt import stop_on_signals, wait_for_signal
from deploy.local.stack import Stack, open_stack
from deploy.private import keep_private


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    keep_private()
    stop_on_signals()
    try:
        _run(options.data)
    except KeyboardInterrupt:
        _say("stopped")
    except (CannotRun, TimeoutError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    names = ", ".join(SERVICES)
    parser = argparse.ArgumentParser(prog="python -m corridor stack", description=f"Kafka, and Postgres for {names}")
    parser.add_argument("--data", type=Path, help="keep data in this directory (default: a temporary one)")
    return parser


def _run(data: Path | None) -> None:
    with ExitStack() as running:
        directory = data or running.enter_context(temporary_directory())
        stack = running.enter_context(open_stack(directory, progress=_say, fsync=data is not None))
        _tell(stack)
        _say("running; Ctrl-C stops it")
        wait_for_signal()


def _tell(stack: Stack) -> None:
    for name, value in stack.environment().items():
        print(f"export {name}={shlex.quote(value)}", flush=True)


def _say(line: str) -> None:
    """On standard error, so that standard output is the environment and nothing else."""
    print(line, file=sys.stderr, flush=True)
