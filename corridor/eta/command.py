"""`python -m corridor eta`: durations from the journeys of a store, and how good estimates by them are.

Invariant: a released file of durations is never written over; what is fitted becomes the next version.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence

import yaml

from contracts.corridor import data_files
from contracts.corridor.corridor import Corridor, load_corridor
from contracts.corridor.durations import Durations
from corridor.eta.fit import fit
from corridor.eta.journeys import Journey
from corridor.eta.past import read_journeys


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits or tries; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor eta", description=__doc__)
    parser.add_argument("--corridor", default="pk-ru")
    what = parser.add_subparsers(dest="what", required=True)
    fitting = what.add_parser("fit", help="writes the next version of the corridor's durations")
    fitting.add_argument("--database", help="tracking's store; without it, what is assumed of an unknown corridor")
    trying = what.add_parser("backtest", help="figures on worlds that no fit has seen, in a checkout")
    trying.add_argument("--worlds", type=int, default=12)
    options = parser.parse_args(arguments)
    corridor = load_corridor(options.corridor)
    if options.what == "backtest":
        from tests.eta.backtest import backtest

        print(json.dumps(backtest(corridor, range(options.worlds))))
        return 0
    journeys = asyncio.run(read_journeys(options.database, corridor)) if options.database else []
    return write(corridor, journeys)


def write(corridor: Corridor, journeys: Sequence[Journey]) -> int:
    """Writes the next version, and says on how much it rests."""
    name = f"{corridor.id}{data_files.DURATIONS}"
    version = max(data_files.versions(name), default=0) + 1
    path = data_files.DIRECTORY / f"{name}.v{version}.yaml"
    path.write_text(text_of(fit(corridor, journeys, version)), encoding="utf-8")
    print(f"{path.name}: {len(journeys)} journeys")
    return 0


def text_of(durations: Durations) -> str:
    """A file of durations."""
    head = "# Made by `python -m corridor eta fit`; never edited. Hours; sigma is of logarithms; bands in deviations.\n"
    return head + yaml.safe_dump(durations.model_dump(mode="json"), sort_keys=False, default_flow_style=None, width=120)
