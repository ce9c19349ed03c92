"""The chain's part of `python -m corridor bench`: both chains under the same loads, one after the other.

Invariant: what is measured of a chain is asked for by name; nothing is left running.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from deploy.local.datadir import temporary_directory
from tests.bench.chain import machine
from tests.bench.chain.backlog import Looker, looking_at
from tests.bench.chain.box import box
from tests.bench.chain.chain import Chain
from tests.bench.chain.counted import dearest, forget_statements
from tests.bench.chain.drain import Drained, drain
from tests.bench.chain.floor import running_floor
from tests.bench.chain.highest import highest_rate
from tests.bench.chain.idle import idle
from tests.bench.chain.live import Lived, live
from tests.bench.chain.load import MakeLoad, Numbers
from tests.bench.chain.mix import mix
from tests.bench.chain.ours import running_ours
from tests.bench.chain.sender import Sender

LOADS: Final[Mapping[str, MakeLoad]] = {"box": box, "mix": mix}
CHAINS: Final[Mapping[str, Callable[[Path], AbstractAsyncContextManager[Chain]]]] = {
    "ours": running_ours,
    "floor": running_floor,
}
MEASURES: Final = ("drain", "live", "highest")
_PARTS_OF_HIGHEST: Final = (0.25, 0.5, 0.75)
_START: Final = 0.5
_FIXED: Final = "fixed"

Figures = dict[str, Any]


@dataclass(slots=True)
class Bench:
    """The chain that runs, who looks at it and who sends to it, and what was found so far."""

    chain: Chain
    looker: Looker
    sender: Sender
    numbers: Numbers
    options: argparse.Namespace
    found: Figures = field(default_factory=dict)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the chain's part."""
    chain = parser.add_argument_group("the whole chain")
    chain.add_argument("--loads", nargs="+", choices=LOADS, default=list(LOADS))
    chain.add_argument("--chains", nargs="+", choices=CHAINS, default=list(CHAINS), help="ours, and what bounds it")
    chain.add_argument("--measures", nargs="+", choices=MEASURES, default=list(MEASURES))
    chain.add_argument("--count", type=int, default=2_000, help="reports of the backlog; 100000 in full")
    chain.add_argument(
        "--live-rate", type=float, default=20, help="reports a second of a run beside those by the highest"
    )
    chain.add_argument("--window", type=float, default=12, help="seconds of a live run and of a probe; 60 in full")
    chain.add_argument("--probes", type=int, default=5, help="runs that look for the highest rate; 10 in full")
    chain.add_argument(
        "--floor-count", type=int, default=10_000, help="reports of the floor's backlog, if that is more"
    )
    chain.add_argument("--told-after", type=float, default=10.5, help="seconds that idle sessions take to tell")
    chain.add_argument("--dearest", type=int, default=0, help="so many of the dearest statements of each measure")


def measure(options: argparse.Namespace) -> Figures:
    """All that was asked for, by chain and load."""
    return asyncio.run(_measure(options))


async def _measure(options: argparse.Namespace) -> Figures:
    numbers, found = Numbers(), {"machine": {"python_additions_a_second": round(machine.python_speed())}}
    chains: Figures = {}
    for name in options.chains:
        with temporary_directory() as data:
            async with CHAINS[name](data) as chain, looking_at(chain) as looker:
                if "postgres_commits_a_second" not in found["machine"]:
                    speed = await machine.postgres_speed(chain.servers.postgres.admin_url)
                    found["machine"]["postgres_commits_a_second"] = round(speed)
                bench = Bench(chain, looker, Sender(chain.servers.kafka.access), numbers, options)
                chains[name] = await _of_chain(bench)
    return {"chains": chains} | found


async def _of_chain(bench: Bench) -> Figures:
    resting = await idle(bench.chain, bench.looker)
    tell(f"{bench.chain.name}: at rest it uses {sum(resting.values()):.2f} cores")
    found: Figures = {"idle_cores": {name: round(cores, 3) for name, cores in resting.items()}}
    for load in bench.options.loads:
        bench.found = {}
        await _of_load(bench, load, LOADS[load])
        found[load] = bench.found
    return found


async def _of_load(bench: Bench, load: str, make: MakeLoad) -> None:
    wanted = bench.options.measures
    start = bench.options.live_rate
    if "drain" in wanted:
        # The floor is done with a few thousand before it can be looked at.
        least = bench.options.floor_count if bench.chain.name == "floor" else 0
        made = make(max(bench.options.count, least), bench.numbers)
        drained = await drain(bench.chain, bench.looker, bench.sender, made, bench.options.told_after)
        bench.found["drain"] = _drained(drained)
        start = drained.rate * _START
        _tell(bench, load, "drain", f"{drained.rate:.0f} reports/s", drained.cpu_ms)
        await _tell_dearest(bench)
    if "highest" in wanted:
        await _highest(bench, load, make, start)
    if "live" in wanted:
        await _lives(bench, load, make)


async def _highest(bench: Bench, load: str, make: MakeLoad, start: float) -> None:
    async def keeps_up(rate: float) -> bool:
        return (await _live(bench, load, make, rate)).bounded

    low, high = await highest_rate(keeps_up, start, bench.options.probes)
    bench.found["highest"] = {"rate": round(low, 1), "too_high": high and round(high, 1)}
    tell(f"{bench.chain.name} {load}: keeps up with {low:.1f} reports/s" + (f", not with {high:.1f}" if high else ""))


async def _lives(bench: Bench, load: str, make: MakeLoad) -> None:
    highest = bench.found.get("highest", {}).get("rate", 0.0)
    rates = {_FIXED: bench.options.live_rate}
    rates |= {f"{part:g} of highest": highest * part for part in _PARTS_OF_HIGHEST if highest}
    bench.found["live"] = {}
    for name, rate in rates.items():
        told_after = bench.options.told_after if name == _FIXED else None
        bench.found["live"][name] = _lived(await _live(bench, load, make, rate, told_after))
        await _tell_dearest(bench)


async def _live(bench: Bench, load: str, make: MakeLoad, rate: float, told_after: float | None = None) -> Lived:
    made = make(max(1, round(rate * bench.options.window)), bench.numbers)
    lived = await live(bench.chain, bench.looker, bench.sender, made, rate, told_after)
    what = f"p50 {lived.stream_ms.get('p50')} ms, p99 {lived.stream_ms.get('p99')} ms to the stream"
    _tell(bench, load, f"{rate:.1f}/s", what + ("" if lived.bounded else ", queues grow"), lived.cpu_ms)
    return lived


def _drained(one: Drained) -> Figures:
    return {"reports": one.reports, "rate": round(one.rate, 1), "cpu_ms": _rounded(one.cpu_ms), "counted": one.counted}


def _lived(one: Lived) -> Figures:
    return {
        "rate": round(one.rate, 1),
        "bounded": one.bounded,
        "cpu_ms": _rounded(one.cpu_ms),
        "stream_ms": one.stream_ms,
        "topic_ms": one.topic_ms,
        "counted": one.counted,
    }


def _rounded(cpu_ms: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in cpu_ms.items()} | {"all": round(sum(cpu_ms.values()), 2)}


def _tell(bench: Bench, load: str, mode: str, what: str, cpu_ms: Mapping[str, float]) -> None:
    parts = ", ".join(f"{name} {value:.2f}" for name, value in cpu_ms.items() if value >= 0.005)
    tell(f"{bench.chain.name} {load} {mode}: {what}; {sum(cpu_ms.values()):.2f} CPU-ms a report ({parts})")


async def _tell_dearest(bench: Bench) -> None:
    if bench.options.dearest:
        for row in await dearest(bench.looker.server, bench.options.dearest):
            tell(f"    {row['ms']:>9} ms {row['calls']:>7} x {row['service']}: {row['query']}")
    await forget_statements(bench.looker.server)


def tell(line: str) -> None:
    """A line for whoever watches."""
    print(line, flush=True)


def summary(found: Figures) -> Figures:
    """What the last line says first: ratios, and figures a report by chain, load and mode."""
    chains: Mapping[str, Figures] = found["chains"]
    modes = {f"{c} {load} {mode}": one for c, of in chains.items() for load, mode, one in _modes(of)}
    return {
        "chain_to_floor": _ratios(chains),
        "cpu_ms_per_report": {name: one["cpu_ms"]["all"] for name, one in modes.items()},
        "latency_ms": {name: one["stream_ms"] for name, one in modes.items() if "stream_ms" in one},
        "commits_per_report": {name: _of_services(one, "commits") for name, one in modes.items() if one["counted"]},
        "wal_bytes_per_report": {name: _of_services(one, "wal_bytes") for name, one in modes.items() if one["counted"]},
        **found,
    }


def _modes(of: Figures) -> Sequence[tuple[str, str, Figures]]:
    found = [(load, "drain", one["drain"]) for load, one in of.items() if "drain" in one]
    return [*found, *((load, f"live {n}", x) for load, one in of.items() for n, x in one.get("live", {}).items())]


def _ratios(chains: Mapping[str, Figures]) -> dict[str, float]:
    if not {"ours", "floor"} <= set(chains):
        return {}
    pairs = {load: [chains[c].get(load, {}).get("drain") for c in ("ours", "floor")] for load in LOADS}
    return {load: round(a["rate"] / b["rate"], 4) for load, (a, b) in pairs.items() if a and b}


def _of_services(one: Figures, what: str) -> float:
    return round(sum(float(c.get(what, 0.0)) for whose, c in one["counted"].items() if whose != "all"), 2)
