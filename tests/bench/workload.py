"""The load that every contender gets: the same records, in the same order, on one real topic.

Milestones of containers that are all booked, several of each container in one batch apart from each other, as a
terminal or a railway sends them in the course of a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from contracts import topics
from contracts.envelope.codec import Event, encode
from deploy.provision import create_topics, read_parties
from services.chassis.base.access import KafkaAccess
from tests.support import builders as b

PARTY = "pr"
BATCH = 500
_CODES = ("GTIN", "SEAL", "LOAD", "DEPA", "PASS", "ARRI", "DISC", "GTOT")
_POINTS = ("pk-lahore", "pk-lahore", "pk-lahore", "pk-lahore", "pk-sibi", "pk-quetta", "pk-quetta", "pk-quetta")


@dataclass(frozen=True, slots=True)
class Workload:
    """Bookings that are there before, and the milestones that are measured."""

    bookings: Sequence[Event]
    milestones: Sequence[Event]

    @property
    def topic(self) -> str:
        return topics.MILESTONES.of(PARTY)


def workload(events: int) -> Workload:
    """Milestones of events / 8 containers, one container after the other within each step."""
    containers = [b.container(n) for n in range(1, events // len(_CODES) + 1)]
    groups = [containers[n : n + 50] for n in range(0, len(containers), 50)]
    bookings = [b.a_booking(group, f"consignment:indus-forwarding/B{n}", id=f"b{n}") for n, group in enumerate(groups)]
    milestones = [
        b.a_milestone(code, box, at=step * 10, point=point, id=f"{code}-{box[10:]}", party=PARTY)
        for step, (code, point) in enumerate(zip(_CODES, _POINTS, strict=True))
        for box in containers
    ]
    return Workload(bookings, milestones)


async def produce(access: KafkaAccess, load: Workload) -> None:
    """Writes the milestones to their topic."""
    await create_topics(access, [p for p in read_parties() if p.party == PARTY])
    producer = AIOKafkaProducer(**access.options(), linger_ms=5, max_batch_size=256 * 1024)
    await producer.start()
    try:
        sent = [
            await producer.send(
                load.topic,
                event.body,
                key=event.subject.encode(),
                headers=encode(id=event.id, source=event.source, type=event.type, subject=event.subject),
            )
            for event in load.milestones
        ]
        for future in sent:
            await future
    finally:
        await producer.stop()
