"""`python -m corridor faults --faults N --seed S`: a run under faults, told line by line, with its figures at the end.

Invariant: the last line is one JSON object; the exit code is 0 only when every invariant holds. The logs of a run
that failed are kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import statistics
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.local.datadir import temporary_directory
from deploy.local.interrupt import stop_on_signals
from deploy.services import ROOT
from tests.faults import mutants
from tests.faults.evidence import Violation
from tests.faults.run import COPIES, FOUND, SESSION_SECONDS, Outcome, Run, run
from tests.faults.schedule import plan

_SENDS_A_JOURNEY = 130
_SENDS_A_SECOND = 8.0
_SHOWN = 20
_KEPT = ROOT / "var" / "faults"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs, tells, and judges."""
    parser = argparse.ArgumentParser(prog="python -m corridor faults", description=__doc__.splitlines()[0])
    parser.add_argument("--faults", type=int, default=30, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the same seed throws the same faults")
    parser.add_argument("--spacing", type=float, default=3.0, help="seconds between two faults")
    parser.add_argument("--without", nargs="*", default=[], metavar="KIND", help="kinds of faults to leave out")
    parser.add_argument("--mutant", choices=mutants.MUTANTS, help="take a guard away; the run has to fail")
    options = parser.parse_args(arguments)
    stop_on_signals()
    # It tells every attempt to reach a broker that is away.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if options.mutant:
        wanted = mutants.planned(options.mutant, options.seed)
    else:
        wanted = planned(options.seed, options.faults, options.spacing, options.without)
    outcome = Outcome()
    with temporary_directory() as data:
        try:
            asyncio.run(run(wanted, data, outcome, Teller()))
        except Exception as failure:
            traceback.print_exc()
            outcome.violations.append(Violation("run", repr(failure)))
        if outcome.violations:
            _keep(data, f"{options.mutant or 'seed'}-{options.seed}", outcome)
    for violation in outcome.violations[:_SHOWN]:
        print(f"{violation.invariant}: {violation.detail}")
    print(json.dumps(figures(outcome, options.seed)))
    return 1 if outcome.violations else 0


def planned(seed: int, faults: int, spacing: float, without: Sequence[str] = ()) -> Run:
    """A run of so many faults, with a load that lasts as long."""
    seconds = (faults + 1) * spacing
    journeys = max(1, round(seconds * _SENDS_A_SECOND / _SENDS_A_JOURNEY))
    return Run(seed, seconds, journeys, plan(seed, faults, spacing, COPIES, SESSION_SECONDS, without))


def figures(outcome: Outcome, seed: int) -> dict[str, Any]:
    """The last line."""
    names = [violation.invariant for violation in outcome.violations]
    recovery = sorted(outcome.recovery) or [0.0]
    return {
        "faults": outcome.faults,
        "seed": seed,
        "events": outcome.sent,
        "accepted": outcome.accepted,
        **{name: names.count(name) for name in ("lost", "doubled", "leaked", "out_of_order")},
        "violations": len(names),
        "recovery_seconds": {"p50": round(statistics.median(recovery), 1), "max": round(recovery[-1], 1)},
        "seconds": round(outcome.seconds),
        "ok": not names,
    }


class Teller:
    """Tells what happens, with the seconds since it was made, on standard error."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", file=sys.stderr, flush=True)


def _keep(data: Path, name: str, outcome: Outcome) -> None:
    """Copies what the processes logged to where it stays."""
    kept = _KEPT / name
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(data / "logs", kept)
    for name in ("kafka/kafka.log", "postgres/postgres.log", FOUND):
        if (data / name).exists():
            shutil.copy(data / name, kept)
    lines = [f"{violation.invariant}: {violation.detail}\n" for violation in outcome.violations]
    (kept / "violations.txt").write_text("".join(lines))
    print(f"the logs are in {kept}", file=sys.stderr)
