"""How a consumer divides its batches among partitions.

Invariant: no partition waits for another one's backlog to end. Each partition with records gets its share of every
batch, and goes to the end of the line for the next. A partition that may bring nothing for now keeps its fetched
records.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Collection
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.consumer import consumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult

_QUIET_SECONDS: Final = 1.0

Drained = dict[TopicPartition, list[Any]]
Left = Callable[[str], int]
"""How many records of a topic may be read now."""


def all_of_it(topic: str) -> int:
    """No bound."""
    return sys.maxsize


class FairFetcher(Fetcher):
    """aiokafka's fetcher, which by itself drains one partition to its end before it turns to the next."""

    left: Left = staticmethod(all_of_it)

    async def fetched_records(
        self, partitions: Collection[TopicPartition], timeout: float = 0, max_records: int | None = None
    ) -> Drained:
        """At most `max_records` fetched records; waits while there are none.

        It waits up to `timeout` seconds while fetched records are held back. Where none are fetched it waits longer,
        so that an idle consumer does not spin.
        """
        until = time.monotonic() + (timeout if self._records else max(timeout, _QUIET_SECONDS))
        while not (max_records is None or self._subscriptions.reassignment_in_progress or self._has_failed()):
            drained = self._shared_out(self._ready(partitions), max_records)
            if drained or not await self._fetched(until - time.monotonic()):
                return drained
        waited: Drained = await super().fetched_records(partitions, timeout, max_records)  # type: ignore[no-untyped-call]
        return waited

    def _has_failed(self) -> bool:
        """Whether a fetch has failed; aiokafka's own method raises the error."""
        return any(type(result) is not FetchResult for result in self._records.values())

    def _ready(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The partitions with records that may bring some, and how many."""
        wanted = [tp for tp in self._records if not partitions or tp in partitions]
        left = {tp: self.left(tp.topic) for tp in wanted}
        return {tp: count for tp, count in left.items() if count > 0}

    def _shared_out(self, ready: dict[TopicPartition, int], most: int) -> Drained:
        drained: Drained = {}
        for number, (tp, left) in enumerate(ready.items()):
            share = min(left, max(1, most // (len(ready) - number)))
            records = self._records[tp].getall(share)
            if not self._records[tp].has_more():
                del self._records[tp]
                self._notify(self._wait_consume_future)  # type: ignore[no-untyped-call]
            else:
                self._records[tp] = self._records.pop(tp)
            if records:
                drained[tp] = records
                most -= len(records)
            if most <= 0:
                break
        return drained

    async def _fetched(self, seconds: float) -> bool:
        """Waits for a fetch; returns whether one came within that time."""
        if seconds <= 0:
            return False
        waiter = self._create_fetch_waiter()  # type: ignore[no-untyped-call]
        done, _ = await asyncio.wait([waiter], timeout=seconds)
        if not done or self._closed:
            waiter.cancel()
            return False
        waiter.result()
        return True


def install() -> None:
    """Makes every consumer of this process use `FairFetcher`."""
    vars(consumer)["Fetcher"] = FairFetcher


def limit(client: Any, left: Left) -> None:
    """Limits how many records of a topic a consumer may read, by `left`."""
    fetcher = getattr(client, "_fetcher", None)
    if isinstance(fetcher, FairFetcher):
        fetcher.left = left
