"""A service with one guard taken away: `python -m tests.faults.mutant <guard> <service>`.

Invariant: nothing in the services knows of it; all but the guard is the service's ordinary main. A window that the
guard closes may be stretched, so that what it keeps out comes within a minute.
"""

from __future__ import annotations

import asyncio
import os
import random
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from aiokafka import TopicPartition

from services.chassis.ingest import facts
from services.chassis.ingest.positions import Positions
from services.chassis.outbox import relay
from services.chassis.outbox.relay import Relay
from services.chassis.outbox.sender import Sender
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import QueueRow
from services.chassis.recovery.recovery import Recovery

_STRETCH_SECONDS = 0.5
_LAST_AS_IT_WAS = """
SELECT party, sequence FROM feed, (SELECT pg_sleep(0.2)) AS stretched WHERE party = ANY($1::text[])
"""
_ADVANCE_WHEREVER = """
UPDATE position AS p SET next_offset = u.next
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS u (topic, partition, next)
WHERE p.topic = u.topic AND p.partition = u.partition
"""


def _no_head_check() -> None:
    """A revision that is known is stored, answered and queued like a fresh one."""
    insert = facts._insert_events

    async def insert_all(connection: Any, records: Any, recorded_at: Any) -> Any:
        await insert(connection, records, recorded_at)
        return list(records)

    _put(facts, _is_known=lambda one, heads: False, _insert_events=insert_all)


def _no_offset_fence() -> None:
    """Positions advance from whatever the store has, and nobody looks whether it was put back."""

    async def advance(self: Positions, connection: Any, ends: Mapping[TopicPartition, int]) -> None:
        columns = [p.topic for p in ends], [p.partition for p in ends], list(ends.values())
        await connection.execute(_ADVANCE_WHEREVER, *columns)

    async def recheck(self: Positions) -> list[TopicPartition]:
        return []

    _put(Positions, advance=advance, recheck=recheck)


def _no_second_look(*, is_reader: bool) -> None:
    """A subject that begins to read another one is folded once, whatever is being written meanwhile."""
    # Somebody has to fold while others have looked and not committed.
    os.environ["SETTLE_WORKERS"] = "6"
    dependents = fold_queue.dependents

    async def slowly(connection: Any, changed: Iterable[QueueRow]) -> dict[str, QueueRow]:
        rows = list(changed)
        below = await dependents(connection, rows)
        # Were it every round, all workers would be asleep when somebody should fold; in customs, the case would wait.
        if is_reader and any(row.subject.startswith("consignment:") for row in rows):
            await asyncio.sleep(random.uniform(0.2, 2 * _STRETCH_SECONDS))
        return below

    async def never(*_: Any) -> int:
        return 0

    _put(fold_queue, dependents=slowly, look_again=never)


def _early_delete() -> None:
    """Rows of the outbox go before the broker has acknowledged them."""

    async def send_page(self: Relay, sender: Sender) -> int:
        rows = await self._pool.fetch(relay._PAGE, list(self.held), relay.PAGE)
        if rows:
            await self._delete(rows, 0)
            await asyncio.sleep(_STRETCH_SECONDS)
            await sender.send(rows)
        return len(rows)

    _put(Relay, send_page=send_page)


def _no_rebalance_listener() -> None:
    """Partitions begin wherever Kafka says, and are let go in the middle of a batch."""

    async def assigned(self: Positions, assigned: Iterable[TopicPartition]) -> None:
        self.has_assignment = True
        if partitions := sorted(assigned):
            self._held.update(await self._read(partitions))

    async def revoked(self: Positions, revoked: Iterable[TopicPartition]) -> None:
        self._held.clear()

    _put(Positions, on_partitions_assigned=assigned, on_partitions_revoked=revoked)


def _unlocked_feeds() -> None:
    """The last number of a feed is read without a lock."""
    from services.notifications import feeds

    _put(feeds, LOCK_FEEDS=_LAST_AS_IT_WAS)


def _no_read_back() -> None:
    """A store that was put back goes on as if nothing had been told since."""

    async def read_back(self: Recovery, since: int, task: object) -> None:
        await self._pool.execute("DELETE FROM recovery_task")

    _put(Recovery, _read_back=read_back)


def _put(owner: object, **attributes: Any) -> None:
    """Puts these in the place of what is there; a guard that has moved is no guard that is gone."""
    for name, value in attributes.items():
        if name not in vars(owner):
            raise AttributeError(f"{owner} has no {name} to take away")
        setattr(owner, name, value)


GUARDS: Final[Mapping[str, Callable[[], None]]] = {
    "head-check": _no_head_check,
    "offset-fence": _no_offset_fence,
    "no-second-look": lambda: _no_second_look(is_reader=sys.argv[0] == "services.notifications"),
    "early-delete": _early_delete,
    "no-rebalance-listener": _no_rebalance_listener,
    "unlocked-feeds": _unlocked_feeds,
    "read-back": _no_read_back,
}


def main(guard: str, service: str) -> None:
    """Takes the guard away and runs the service."""
    sys.argv = [f"services.{service}"]
    GUARDS[guard]()
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
