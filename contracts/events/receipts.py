"""What the services answer to a sender, and what they announce of a dead letter.

Invariant: every report gets at least one receipt: accepted, repeat, superseded or refused when it is read; parked
and effective when it is folded.
"""

from typing import Annotated

from pydantic import Field

from contracts.events.base import Data
from contracts.events.fields import Instant

# A receipt quotes what the sender wrote, which may be no valid key at all.
Quoted = Annotated[str, Field(max_length=500)]


class ReceiptItem(Data):
    """The outcome of one report; `reason`, `path` and `detail` say what is wrong and how to mend it.

    `topic`, `partition` and `offset` are the record's place in Kafka (absent in `parked` and `effective`).
    """

    outcome: str
    source: Quoted | None = None
    id: Quoted | None = None
    type: Quoted | None = None
    subject: Quoted | None = None
    updated_at: Instant | None = None
    reason: str | None = None
    path: Quoted | None = None
    detail: Annotated[str, Field(max_length=1000)] | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None


class ReceiptIssued(Data):
    """The receipts for one batch of a party's reports, in the order in which they were read."""

    party: str
    service: str
    recorded_at: Instant
    items: list[ReceiptItem]


class DeadLetterRecorded(Data):
    """A record that was put aside: its place, the reason, and the SHA-256 of its bytes, which stay here.

    `count` is how many records it stands for: those right behind it that were refused for the same reason.
    """

    service: str
    party: str | None = None
    topic: str
    partition: int
    offset: int
    reason: str
    path: Quoted | None = None
    detail: Annotated[str, Field(max_length=1000)] | None = None
    sha256: str
    size: int
    count: Annotated[int, Field(ge=1)] = 1
    recorded_at: Instant
