"""How a consumer shares its batches out among the partitions that have something.

Invariant: no partition waits for the end of another one's backlog: each that has records gets its share of every
batch, and who had most of one comes last in the next.
"""

from collections.abc import Collection
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import consumer
from aiokafka.consumer.fetcher import Fetcher, FetchResult

Drained = dict[TopicPartition, list[Any]]


class FairFetcher(Fetcher):
    """aiokafka's own, which would drain one partition to its end before it looks at the next."""

    async def fetched_records(
        self, partitions: Collection[TopicPartition], timeout: float = 0, max_records: int | None = None
    ) -> Drained:
        """Records fetched before, at most `max_records` in all; waits up to `timeout` seconds where there are none."""
        if max_records is not None and not self._subscriptions.reassignment_in_progress:
            drained = self._shared_out(self._ready(partitions), max_records)
            if drained:
                return drained
        waited: Drained = await super().fetched_records(partitions, timeout, max_records)  # type: ignore[no-untyped-call]
        return waited

    def _ready(self, partitions: Collection[TopicPartition]) -> list[TopicPartition]:
        """What has records; one that has failed is left for the reader of errors."""
        found = [tp for tp, result in self._records.items() if type(result) is FetchResult]
        return [tp for tp in found if not partitions or tp in partitions]

    def _shared_out(self, ready: list[TopicPartition], most: int) -> Drained:
        drained: Drained = {}
        for number, tp in enumerate(ready):
            share = max(1, most // (len(ready) - number))
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


def install() -> None:
    """Makes every consumer of this process read in this way."""
    vars(consumer)["Fetcher"] = FairFetcher
