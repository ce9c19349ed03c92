"""A batch of validated records as a subscriber receives it, with the transaction that stores it.

Invariant: a batch has one verdict for each of its records, in their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from aiokafka import TopicPartition
from pydantic_core import CoreSchema, core_schema

from services.chassis.base.database import Connection
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.records import Accepted, Record, Rejected, Validated
from services.chassis.ingest.stream import Stream


@dataclass
class Batch:
    """Records of one stream with their validated; `now` is the corridor's present, `connection` its transaction."""

    stream: Stream
    records: Sequence[Record]
    validated: Sequence[Validated]
    now: datetime
    connection: Connection | None = None

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        """Any: FastStream's AsyncAPI document describes no batch, since our own has the schemas of the events."""
        return core_schema.any_schema()

    @property
    def accepted(self) -> list[Accepted]:
        """The records whose events are to be stored."""
        return [v for v in self.validated if isinstance(v, Accepted)]

    @property
    def rejected(self) -> list[Rejected]:
        """The records that go to the dead letters."""
        return [v for v in self.validated if isinstance(v, Rejected)]

    @cached_property
    def ends(self) -> Mapping[TopicPartition, int]:
        """The next offset of each partition, behind its last record."""
        return {TopicPartition(r.topic, r.partition): r.offset + 1 for r in self.records}

    @property
    def name(self) -> str:
        """A name for the batch, unique by its offsets; the ids of its receipts follow from it."""
        return ";".join(f"{p.topic}/{p.partition}/{end}" for p, end in sorted(self.ends.items()))

    async def store(self) -> Kept:
        """Stores the accepted records; raises outside a transaction."""
        if self.connection is None:
            raise RuntimeError("a batch is stored in the transaction of its positions")
        return await self.stream.store(self.connection, self.accepted, self.now)
