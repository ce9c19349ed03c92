"""`python -m tests.floods.kafka_flooder KIND PARTY`: one flood over Kafka, until its standard input ends.

It signs in as the environment says. It prints `flooding` when the first batch has been taken, and at its end one JSON
object: how many records and bytes the broker took. Batches are made as a client would make them, packed, and sent as
fast as the broker answers: what makes the sender wait is the broker's quota alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from aiokafka.protocol.produce import ProduceRequest

from contracts.envelope.codec import Event, encode
from contracts.topics import MILESTONES
from services.chassis.base.access import access_in
from tests.support import builders as b
from tests.support.kafka_rights import connected, packed

Body = tuple[bytes, Sequence[tuple[str, bytes]]]

_NODE: Final = 1
_WITHIN_MS: Final = 30_000
_GZIP: Final = 1
_PAUSE_SECONDS: Final = 0.05


def empties(party: str, numbers: Iterator[int]) -> list[Body]:
    """Records with nothing in them."""
    return [(b"", ())] * 5000


def padded(party: str, numbers: Iterator[int]) -> list[Body]:
    """Reports that are mostly a field which nobody reads."""
    return [_body(_seen(party, n, padding="x" * 250_000)) for n in itertools.islice(numbers, 20)]


def consists(party: str, numbers: Iterator[int]) -> list[Body]:
    """Consists of one train, each with other wagons."""
    return [_body(_consist(party, n)) for n in itertools.islice(numbers, 50)]


def revisions(party: str, numbers: Iterator[int]) -> list[Body]:
    """Revisions of one report."""
    return [
        _body(b.a_milestone("DLAY", _train(party), id="one", party=party, point=None, updated_at=b.hours(n / 3600)))
        for n in itertools.islice(numbers, 250)
    ]


def delays(party: str, numbers: Iterator[int]) -> list[Body]:
    """Delays of one train, each another report."""
    return [_body(_seen(party, n, code="DLAY")) for n in itertools.islice(numbers, 250)]


def visits(party: str, numbers: Iterator[int]) -> list[Body]:
    """Arrivals and departures of one train at one point."""
    return [_body(_seen(party, n, code="ARRI" if n % 2 else "DEPA")) for n in itertools.islice(numbers, 250)]


def handovers(party: str, numbers: Iterator[int]) -> list[Body]:
    """Refused handovers of one wagon."""
    return [_body(_seen(party, n, b.WAGON, code="HREF")) for n in itertools.islice(numbers, 250)]


def trains(party: str, numbers: Iterator[int]) -> list[Body]:
    """Plans, each of another train: reports as good as any."""
    return [
        _body(b.a_plan(f"train:{party}/F{n}/2026-06-22", id=f"plan-{n}", party=party))
        for n in itertools.islice(numbers, 250)
    ]


FLOODS: Final[dict[str, Callable[[str, Iterator[int]], list[Body]]]] = {
    flood.__name__: flood for flood in (empties, padded, consists, revisions, delays, visits, handovers, trains)
}


async def main(kind: str, party: str) -> None:
    """Floods until the standard input ends."""
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    took = {"records": 0, "bytes": 0}
    numbers = itertools.count()
    async with connected(access_in(os.environ)) as client:
        while not ended.done():
            bodies = FLOODS[kind](party, numbers)
            batch = packed(bodies, _GZIP)
            topic = MILESTONES.of(party)
            answer: Any = await client.send(_NODE, ProduceRequest(None, -1, _WITHIN_MS, [(topic, [(0, batch)])]))
            assert answer.topics[0][1][0][1] == 0, answer.topics
            if not took["records"]:
                print("flooding", flush=True)
            took["records"] += len(bodies)
            took["bytes"] += len(batch)
            await asyncio.sleep(_PAUSE_SECONDS)
    print(json.dumps(took), flush=True)


def _train(party: str) -> str:
    return f"train:{party}/FLOOD/2026-06-22"


def _seen(party: str, number: int, subject: str | None = None, code: str = "DLAY", **more: Any) -> Event:
    point, about = None if code == "DLAY" else "ir-zahedan", subject or _train(party)
    return b.a_milestone(code, about, number / 3600, point, id=f"{code}-{number}", party=party, **more)


def _consist(party: str, number: int) -> Event:
    wagons: dict[str, list[str]] = {b.wagon((number * 200 + n) % 1_000_000): [] for n in range(200)}
    return b.a_consist(wagons, _train(party), number / 3600, "ir-zahedan", id=f"consist-{number}", party=party)


def _body(event: Event) -> Body:
    return event.body, encode(id=event.id, source=event.source, type=event.type, subject=event.subject)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
