"""`python -m corridor demo`: the pilot-train journey on a stack of its own.

Invariant: Ctrl-C leaves no process behind. With `--once` the last line is one JSON object, and the exit code is 0
only when every picture is the expected one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Final

from deploy.demo import script
from deploy.demo.play import play
from deploy.demo.result import Result
from deploy.launcher import disposable_directory, launched, watch_until_interrupt
from deploy.local.errors import CannotRun
from deploy.local.interrupt import stop_on_signals
from deploy.private import keep_private
from deploy.services import SERVICES

_PACE: Final = 1.0
_SHOWN_DIFFERENCES: Final = 40


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays; returns the exit code."""
    options = _parser().parse_args(arguments)
    if options.write_expected:
        script.write()
        _say(f"written: {script.EXPECTED}")
        return 0
    keep_private()
    stop_on_signals()
    begun = time.monotonic()
    try:
        result = _run(options)
    except KeyboardInterrupt:
        _say("stopped")
        return 130 if options.once else 0
    except (CannotRun, TimeoutError) as failure:
        print(failure, file=sys.stderr)
        if options.once:
            _say(json.dumps({"ok": False, "failure": str(failure).splitlines()[0]}))
        return 1
    _say(result.line(time.monotonic() - begun))
    return 0 if result.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m corridor demo", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--once", action="store_true", help="play to the end without waiting, check, and stop")
    parser.add_argument("--pace", type=float, metavar="SECONDS", help=f"least length of a step (default: {_PACE:g})")
    parser.add_argument("--services", nargs="+", choices=SERVICES, default=list(SERVICES), metavar="SERVICE")
    parser.add_argument("--write-expected", action="store_true", help="work the expectation out anew and write it")
    return parser


def _run(options: argparse.Namespace) -> Result:
    pace = options.pace if options.pace is not None else 0 if options.once else _PACE
    with (
        disposable_directory() as directory,
        launched(directory, _say, options.services, clock="stepped", fsync=False) as running,
    ):
        if "notifications" in options.services:
            _say(f"dashboard: {running.dashboard}")
        result = play(running, _say, pace=pace)
        _tell(result)
        if not options.once:
            _say(f"as another party: . {running.environment_file}; echo $NOTIFICATIONS/#token=$(token pr)")
            _say("the journey is over; everything stays up until Ctrl-C")
            watch_until_interrupt(running.services, _say)
    return result


def _tell(result: Result) -> None:
    for line in result.wrong[:_SHOWN_DIFFERENCES]:
        _say(line)
    if result.wrong:
        _say(f"{len(result.wrong)} differences from what is expected")
    else:
        _say("every picture is the expected one")


def _say(line: str) -> None:
    print(line, flush=True)
