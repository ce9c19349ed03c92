"""`python -m corridor bench`: the single service beside two baselines, and the whole chain beside its floor.

The last line is one JSON object. Run it with nothing else on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
from collections.abc import Sequence
from typing import Any, Final

from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack
from tests.bench import journey
from tests.bench.chain import command as chain
from tests.bench.statements import INGEST, SETTLE
from tests.bench.workload import BATCH, produce, workload
from tests.support.stores import fresh_database

PARTS: Final = ("single", "chain", "journey")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor bench", description=__doc__)
    parser.add_argument("--events", type=int, default=16_000)
    parser.add_argument("--plain-events", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="journey: what earlier facts of a subject cost"
    )
    chain.add_options(parser)
    options = parser.parse_args(arguments)
    print(f"{platform.platform()}, Python {platform.python_version()}, Postgres with fsync")
    figures: dict[str, Any] = {}
    if "single" in options.parts:
        figures |= _single(options)
    if "chain" in options.parts:
        figures |= chain.summary(chain.measure(options))
    if "journey" in options.parts:
        figures["journey"] = journey.measure()
    print(json.dumps(figures))
    return 0


def _single(options: argparse.Namespace) -> dict[str, float]:
    print(f"batches of {BATCH}")
    for loop, statements in (("ingest", INGEST), ("settle", SETTLE)):
        print(f"{loop}: " + "; ".join(statements))
    with temporary_directory() as data, open_stack(data, {}, _quiet) as stack:
        return asyncio.run(_throughput(stack, options))


async def _throughput(stack: Stack, options: argparse.Namespace) -> dict[str, float]:
    await produce(stack.access, workload(options.events))
    rates: dict[str, list[float]] = {"bare": [], "ours": [], "plain": []}
    for number in range(options.rounds):
        for name, found in rates.items():
            found.append(await _run(stack, options, name, number))
            print(f"{name:6} {found[-1]:8.0f} events/s", flush=True)
    medians = {name: round(statistics.median(found), 1) for name, found in rates.items()}
    return medians | {
        "ours_to_bare": round(medians["ours"] / medians["bare"], 3),
        "ours_to_plain": round(medians["ours"] / medians["plain"], 2),
    }


async def _run(stack: Stack, options: argparse.Namespace, name: str, number: int) -> float:
    """One contender in a process of its own, on a database of its own."""
    assert stack.admin_url
    events = options.plain_events if name == "plain" else options.events
    async with fresh_database(stack.admin_url, "tracking") as url:
        command = [sys.executable, "-m", "tests.bench.contender", name, url]
        command += [f"{name}-{number}", str(options.events), str(events)]
        environ = {**os.environ, **stack.access.environment()}
        child = await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        said, _ = await child.communicate()
    if child.returncode:
        raise SystemExit(f"{name} ended with {child.returncode}")
    return float(said.split()[-1])


def _quiet(_: str) -> None:
    return None
