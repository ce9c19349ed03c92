"""`python -m tests.bench`: three throughputs over the same SQL work in one run, their ratios, and latency.

The last line is one JSON object. Run it with nothing else on the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
from collections.abc import Awaitable, Callable

from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack
from tests.bench import bare, latency, ours, plain
from tests.bench.statements import INGEST, SETTLE
from tests.bench.workload import BATCH, Workload, produce, workload
from tests.support.stores import fresh_database

Contender = Callable[[str, str, Workload, str], Awaitable[float]]


def main() -> int:
    """Prints the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=16_000)
    parser.add_argument("--plain-events", type=int, default=1_500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20, help="of the latency run")
    parser.add_argument("--rate", type=int, default=200, help="events a second of the latency run")
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, batches of {BATCH}, Postgres with fsync")
    for loop, statements in (("ingest", INGEST), ("settle", SETTLE)):
        print(f"{loop}: " + "; ".join(statements))
    with temporary_directory() as data, open_stack(data, progress=_quiet) as stack:
        figures = asyncio.run(_throughput(stack, options))
    with temporary_directory() as data, open_stack(data, progress=_quiet) as stack:
        figures |= latency.measure(stack, data, options.rate, options.seconds)
    print(json.dumps(figures))
    return 0


async def _throughput(stack: Stack, options: argparse.Namespace) -> dict[str, float]:
    load = workload(options.events)
    await produce(stack.kafka_bootstrap, load)
    rates: dict[str, list[float]] = {"bare": [], "ours": [], "plain": []}
    for number in range(options.rounds):
        for name, contender in (("bare", bare.run), ("ours", ours.run)):
            seconds = await _timed(stack, contender, load, f"{name}-{number}")
            rates[name].append(len(load.milestones) / seconds)
            print(f"{name:6} {rates[name][-1]:8.0f} events/s", flush=True)
        seconds = await _timed(stack, _plain(options.plain_events), load, f"plain-{number}")
        rates["plain"].append(options.plain_events / seconds)
        print(f"{'plain':6} {rates['plain'][-1]:8.0f} events/s", flush=True)
    found = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    return found | {
        "ours_to_bare": round(found["ours"] / found["bare"], 3),
        "ours_to_plain": round(found["ours"] / found["plain"], 2),
    }


async def _timed(stack: Stack, contender: Contender, load: Workload, name: str) -> float:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as url:
        return await contender(stack.kafka_bootstrap, url, load, name)


def _plain(events: int) -> Contender:
    return lambda bootstrap, url, load, name: plain.run(bootstrap, url, load, name, events)


def _quiet(_: str) -> None:
    return None


if __name__ == "__main__":
    sys.exit(main())
