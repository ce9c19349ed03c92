"""How much a chain still has to do, seen from outside: what its topics hold unread, and what waits in its stores.

Invariant: a chain is at rest when nothing waits twice in a row and no topic has grown in between.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from tests.bench.chain.chain import READS, Chain

Ends = Mapping[tuple[str, int], int]

_POSITIONS: Final = "SELECT topic, partition, next_offset FROM position"
# Counting a backlog of any size would be work of its own.
_MOST: Final = 100_000
_KAFKA_WITHIN: Final = 10.0
LOOK_EVERY: Final = 0.25


class NotAtRest(TimeoutError):
    """A chain still had work to do when its time was over."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """Records unread and rows that wait, by `<service> <queue>`; `ends` are those of all topics."""

    waiting: Mapping[str, int]
    ends: Ends

    @property
    def total(self) -> int:
        return sum(self.waiting.values())


class Looker:
    """Looks at one chain, again and again, over connections of its own; `asked` are its transactions in each store."""

    def __init__(
        self, chain: Chain, stores: Mapping[str, asyncpg.Connection[Any]], server: asyncpg.Connection[Any]
    ) -> None:
        self._chain = chain
        self.stores = stores
        self.server = server
        self.asked = dict.fromkeys(stores, 0)
        self._admin = AdminClient(chain.servers.kafka.access.config() | {"log_level": 0}, logger=None)
        found = self._admin.list_topics(timeout=_KAFKA_WITHIN).topics
        self._places = [TopicPartition(t, n) for t, about in found.items() for n in range(len(about.partitions))]

    async def look(self) -> Backlog:
        """Stores first, ends after: what is passed on in between is seen in a topic, if not in a store."""
        waiting: dict[str, int] = {}
        read: dict[str, dict[tuple[str, int], int]] = {}
        for service, store in self.stores.items():
            rows = await store.fetch(_POSITIONS)
            self.asked[service] += 1 + len(self._chain.queues[service])
            read[service] = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
            for queue, rows_of in self._chain.queues[service].items():
                waiting[f"{service} {queue}"] = await store.fetchval(
                    f"SELECT count(*) FROM ({rows_of} LIMIT {_MOST}) AS waiting"
                )
        ends = await asyncio.to_thread(self.ends)
        return Backlog(waiting | {f"{s} topics": _unread(s, read[s], ends) for s in self.stores}, ends)

    async def at_rest(self, within: float) -> float:
        """Returns when the chain is at rest, with the monotonic second of the first look that found it so."""
        deadline = time.monotonic() + within
        since, before = 0.0, None
        while True:
            now, found = time.monotonic(), await self.look()
            if found.total == 0 and before is not None and found.ends == before:
                return since
            if now > deadline:
                raise NotAtRest(f"{self._chain.name} still has {dict(found.waiting)} after {within:g} s")
            since, before = now, found.ends if found.total == 0 else None
            await asyncio.sleep(LOOK_EVERY)

    async def newest(self) -> int:
        """The number of the newest item that the viewer has."""
        self.asked["notifications"] += 1
        return int(await self.stores["notifications"].fetchval(self._chain.newest))

    def ends(self) -> dict[tuple[str, int], int]:
        """The ends of all topics."""
        asked = self._admin.list_offsets({place: OffsetSpec.latest() for place in self._places})
        return {(place.topic, place.partition): future.result(_KAFKA_WITHIN).offset for place, future in asked.items()}


def _unread(service: str, read: Mapping[tuple[str, int], int], ends: Ends) -> int:
    patterns = [row.regex for row in READS[service]]
    return sum(
        end - read.get(place, 0) for place, end in ends.items() if any(re.fullmatch(p, place[0]) for p in patterns)
    )


@asynccontextmanager
async def looking_at(chain: Chain) -> AsyncIterator[Looker]:
    """A looker for the length of the block."""
    server = await asyncpg.connect(chain.servers.postgres.admin_url)
    stores = {service: await asyncpg.connect(chain.servers.as_admin(service)) for service in chain.queues}
    try:
        yield Looker(chain, stores, server)
    finally:
        for connection in (*stores.values(), server):
            await connection.close()
