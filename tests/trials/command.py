"""`python -m corridor trials`: plays the trials on a stack of its own, in order, in reverse and doubled.

Invariant: what is still wrong is told with what came out, and `ok` of the last line, one JSON object, is then false.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from collections.abc import Sequence
from itertools import groupby

from deploy.local.interrupt import stop_on_signals
from tests.support.system import running_system
from tests.trials import trial
from tests.trials.play import Wrong, play, plays
from tests.trials.stages import on_system


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays; returns 0 when everything came out right."""
    parser = argparse.ArgumentParser(prog="python -m corridor trials", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="some trials only; they are: " + ", ".join(trial.names()))
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - set(trial.names())):
        parser.error(f"no such trial: {', '.join(unknown)}")
    stop_on_signals()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    names = options.names or trial.names()
    wrong = asyncio.run(_all(names))
    print(json.dumps(summary(names, wrong)))
    return 1 if wrong else 0


def summary(names: Sequence[str], wrong: Sequence[Wrong]) -> dict[str, object]:
    """The last line."""
    still = sorted({one.trial for one in wrong})
    return {"ok": not wrong, "trials": len(names), "plays": len(names) * len(trial.ORDERS), "wrong": still}


async def _all(names: Sequence[str]) -> list[Wrong]:
    wrong: list[Wrong] = []
    async with running_system(clock="stepped") as system, on_system(system) as stage:
        for name, group in groupby(plays(names, trial.ORDERS), key=lambda one: one[1]):
            found = [w for number, _, order in group for w in await play(stage, trial.read(name, number), order)]
            print(f"{name}: {'right' if not found else 'wrong'}", flush=True)
            for one in found:
                print(f"  {one}", flush=True)
            wrong += found
    return wrong
