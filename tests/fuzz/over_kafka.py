"""Spoilt records through real Kafka into real services.

Invariant: every record that Kafka has is answered exactly once, as an event, a repeat or a dead letter with a reason;
none is quarantined, and the services stay ready, within bounds of memory and log.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer

from deploy.services import Services
from tests.fuzz.judged import topic_of
from tests.fuzz.mutate import Spoilt
from tests.support.system import System

_ANSWERS = """
SELECT topic, partition, "offset", array_agg(outcome) AS outcomes, array_agg(reason) AS reasons
FROM receipt WHERE topic IS NOT NULL GROUP BY 1, 2, 3
"""
_QUARANTINED = "SELECT topic, partition, \"offset\", detail FROM dead_letter WHERE reason = 'quarantined'"
SERVICES = ("tracking", "customs")
_INGRESS = ("milestones-", "declarations-", "customs-decisions-")
_MOST_GROWTH = 150 * 2**20
_LOG_BYTES_EACH = 400

Place = tuple[str, int, int]


@dataclass(slots=True)
class Outcome:
    """What became of the records."""

    records: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


async def send_all(system: System, spoilt: Sequence[Spoilt]) -> dict[Place, Spoilt]:
    """Produces the records that have an ingress topic; where each stands."""
    wanted = [(topic_of(one), one) for one in spoilt]
    placed: dict[Place, Spoilt] = {}
    # One that is a byte over our limit has to reach us: the producer's own bound is far above.
    producer = AIOKafkaProducer(
        bootstrap_servers=system.stack.kafka_bootstrap, acks="all", max_request_size=2 * 2**20, max_batch_size=2**20
    )
    await producer.start()
    try:
        for topic, one in wanted:
            if topic.startswith(_INGRESS):
                key = one.example.event.subject.encode()
                headers: Any = one.headers
                sent = await producer.send_and_wait(topic, one.value, key=key, headers=headers)
                placed[sent.topic, sent.partition, sent.offset] = one
    finally:
        await producer.stop()
    return placed


async def run(system: System, spoilt: Sequence[Spoilt]) -> Outcome:
    """Sends the records and looks at what became of each."""
    warm, rest = spoilt[: len(spoilt) // 3], spoilt[len(spoilt) // 3 :]
    placed = await send_all(system, warm)
    await system.settled(120)
    before, logged = _memory(system.services), _logged(system.services)
    placed |= await send_all(system, rest)
    await system.settled(300)
    found = Outcome(len(placed))
    await _account(system, placed, found)
    for name, bytes_before in before.items():
        grown = _memory(system.services)[name] - bytes_before
        if grown > _MOST_GROWTH:
            found.failures.append(f"{name} has grown by {grown / 2**20:.0f} MiB over {len(rest)} records")
    bytes_each = (_logged(system.services) - logged) / max(1, len(rest))
    if bytes_each > _LOG_BYTES_EACH:
        found.failures.append(f"{bytes_each:.0f} bytes of log for each record")
    found.failures += await asyncio.to_thread(system.services.ended)
    return found


async def _account(system: System, placed: dict[Place, Spoilt], found: Outcome) -> None:
    answered: dict[Place, Any] = {}
    for service in SERVICES:
        for row in await system.rows(service, _ANSWERS):
            answered[row["topic"], row["partition"], row["offset"]] = row
        for row in await system.rows(service, _QUARANTINED):
            one = placed[row["topic"], row["partition"], row["offset"]]
            found.failures.append(f"quarantined ({row['detail']}): {one}")
    for place, one in placed.items():
        row = answered.pop(place, None)
        if row is None or len(row["outcomes"]) != 1:
            found.failures.append(f"answered {row and row['outcomes']}: {one}")
            continue
        found.outcomes[row["outcomes"][0]] += 1
        if row["reasons"][0]:
            found.reasons[row["reasons"][0]] += 1
    found.failures += [f"an answer to nothing at {place}" for place in answered]


def _memory(services: Services) -> dict[str, int]:
    names = [e.copy for e in services.endpoints]
    return {name: psutil.Process(services.pid(name)).memory_info().rss for name in names}


def _logged(services: Services) -> int:
    return sum(services.log(e.copy).stat().st_size for e in services.endpoints)
