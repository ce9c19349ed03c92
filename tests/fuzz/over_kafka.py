"""Spoilt records through real Kafka into real services.

Invariant: every record that Kafka has is answered exactly once, as an event, a repeat or a dead letter with the reason
that it has in this process as well; none is quarantined, and the services stay ready, within bounds of memory and log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import psutil

from deploy.services import Services
from services.chassis.ingest.records import Accepted
from tests.fuzz.judged import Book, judge
from tests.fuzz.mutate import INGRESS, Spoilt
from tests.support.system import System
from tests.support.wild import WildProducer

_ANSWERED = """
SELECT topic, partition, "offset", outcome, reason FROM receipt WHERE topic IS NOT NULL AND outcome <> 'parked'
"""
_DEAD = 'SELECT topic, partition, "offset", reason, detail FROM dead_letter'
READERS: Final = ("tracking", "customs")
_SETTLED_WITHIN: Final = 300
_MOST_GROWTH: Final = 150 * 2**20
_LOG_BYTES_EACH: Final = 400

Place = tuple[str, int, int]


@dataclass(slots=True)
class Outcome:
    """What became of the records."""

    records: int = 0
    not_sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    grown_mib: dict[str, float] = field(default_factory=dict)
    log_bytes_each: float = 0.0


async def run(system: System, spoilt: Sequence[Spoilt]) -> Outcome:
    """Sends the records and looks at what became of each; the first third warms the services up."""
    sent = [one for one in spoilt if one.topic.startswith(INGRESS)]
    await system.lift_budgets()
    found, placed = Outcome(), dict[Place, Spoilt]()
    await _send(system, sent[: len(sent) // 3], placed, found)
    await _settled(system, found)
    before, logged = _memory(system.services), _logged(system.services)
    await _send(system, sent[len(sent) // 3 :], placed, found)
    await _settled(system, found)
    found.records = len(placed)
    await _account(system, placed, found)
    _measure(system.services, before, logged, len(sent) - len(sent) // 3, found)
    found.failures += await unwell(system)
    return found


async def _send(system: System, spoilt: Sequence[Spoilt], placed: dict[Place, Spoilt], found: Outcome) -> None:
    async with WildProducer(system.stack.access) as producer:
        for one in spoilt:
            place = await producer.send(one.topic, one.key, one.headers, one.value, number=one.number)
            if place is None:
                found.not_sent += 1
            else:
                placed[place] = one


async def _settled(system: System, found: Outcome) -> None:
    try:
        await system.settled(_SETTLED_WITHIN)
    except Exception as failure:
        found.failures.append(f"a stall: {failure}")


async def _account(system: System, placed: Mapping[Place, Spoilt], found: Outcome) -> None:
    answers: dict[Place, list[tuple[str, str | None]]] = {}
    dead: dict[Place, dict[str, Any]] = {}
    for service in READERS:
        for row in await system.rows(service, _ANSWERED):
            answers.setdefault(_place(row), []).append((row["outcome"], row["reason"]))
        dead |= {_place(row): row for row in await system.rows(service, _DEAD)}
    book = Book()
    for place, one in placed.items():
        given = answers.pop(place, [])
        found.outcomes.update(outcome for outcome, _ in given)
        found.reasons.update(reason for _, reason in given if reason)
        expected = judge(one, book)
        reason = None if isinstance(expected, Accepted) else expected.first.reason
        found.failures += [f"{fault}: {one}" for fault in faults(reason, given, dead.get(place))]
    found.failures += [f"an answer to nothing at {place}" for place in answers]


def _place(row: Mapping[str, Any]) -> Place:
    return row["topic"], row["partition"], row["offset"]


def faults(
    expected: str | None, given: Sequence[tuple[str, str | None]], dead: Mapping[str, Any] | None
) -> Iterator[str]:
    """What is wrong with the answers to one record, and with its dead letter; `expected` is its reason in process."""
    if dead and dead["reason"] == "quarantined":
        yield f"quarantined ({dead['detail']})"
    elif len(given) != 1:
        yield f"answered {[outcome for outcome, _ in given]}"
    elif (given[0][0] == "refused") != (dead is not None) or (dead and dead["reason"] != given[0][1]):
        yield f"answered {given[0]}, its dead letter says {dead and dead['reason']}"
    elif given[0][1] != expected and (expected, given[0][1]) != (None, "type_changed"):
        yield f"answered {given[0]}, in process it was {expected or 'taken'}"


async def unwell(system: System) -> list[str]:
    """What ails the services: one that has ended, is not ready, or has paused a feed."""
    found = await asyncio.to_thread(system.services.ended)
    async with httpx.AsyncClient(trust_env=False, timeout=20, headers=system.headers("operations")) as client:
        for endpoint in system.services.endpoints:
            try:
                ready = (await client.get(f"{endpoint.url}/ready")).json()
                state = (await client.get(f"{endpoint.url}/ops/state")).json()
            except (httpx.HTTPError, ValueError) as failure:
                found.append(f"{endpoint.copy} does not answer: {failure!r}")
                continue
            if not ready["ready"] or state["paused"]:
                found.append(f"{endpoint.copy} is unwell: {ready}, paused {state['paused']}")
    return found


def _measure(services: Services, before: Mapping[str, int], logged: int, records: int, found: Outcome) -> None:
    for name, now in _memory(services).items():
        found.grown_mib[name] = round((now - before[name]) / 2**20, 1)
        if now - before[name] > _MOST_GROWTH:
            found.failures.append(f"{name} has grown by {found.grown_mib[name]} MiB over {records} records")
    found.log_bytes_each = round((_logged(services) - logged) / max(1, records), 1)
    if found.log_bytes_each > _LOG_BYTES_EACH:
        found.failures.append(f"{found.log_bytes_each} bytes of log for each record")


def _memory(services: Services) -> dict[str, int]:
    names = [e.copy for e in services.endpoints if services.exit_code(e.copy) is None]
    return {name: psutil.Process(services.pid(name)).memory_info().rss for name in names}


def _logged(services: Services) -> int:
    return sum(services.log(e.copy).stat().st_size for e in services.endpoints)
