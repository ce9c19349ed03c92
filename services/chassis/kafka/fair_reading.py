"""How a consumer shares its batches out among the partitions that have something.

Invariant: no partition waits for the end of another one's backlog: each that has records gets its share of every
batch, and who had most of one comes last in the next. A partition that may bring nothing for now keeps what was
fetched of it.
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
    """aiokafka's own, which would drain one partition to its end before it looks at the next."""

    left: Left = staticmethod(all_of_it)

    async def fetched_records(
        self, partitions: Collection[TopicPartition], timeout: float = 0, max_records: int | None = None
    ) -> Drained:
        """Records fetched before, at most `max_records` in all; waits where there are none.

        It waits up to `timeout` seconds for what is held back, and longer where nothing was fetched: who asks again at
        once would be busy with nothing.
        """
        until = time.monotonic() + (timeout if self._records else max(timeout, _QUIET_SECONDS))
        while not (max_records is None or self._subscriptions.reassignment_in_progress or self._has_failed()):
            drained = self._shared_out(self._ready(partitions), max_records)
            if drained or not await self._fetched(until - time.monotonic()):
                return drained
        waited: Drained = await super().fetched_records(partitions, timeout, max_records)  # type: ignore[no-untyped-call]
        return waited

    def _has_failed(self) -> bool:
        """Whether there is an error to be raised: aiokafka knows which."""
        return any(type(result) is not FetchResult for result in self._records.values())

    def _ready(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """What has records, and how many it may bring."""
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
        """Whether more has been fetched within that time."""
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
    """Makes every consumer of this process read in this way."""
    vars(consumer)["Fetcher"] = FairFetcher


def limit(client: Any, left: Left) -> None:
    """Has a consumer read no more of a topic than is left to it."""
    fetcher = getattr(client, "_fetcher", None)
    if isinstance(fetcher, FairFetcher):
        fetcher.left = left
