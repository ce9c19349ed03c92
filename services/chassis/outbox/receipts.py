"""Receipts: our answers to a party's reports, stored for HTTP and sent to its receipts topic.

Invariant: a receipt is written in the transaction that makes it true.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.refusal import Outcome
from contracts.topics import RECEIPTS
from services.chassis.base.database import Connection
from services.chassis.outbox.outgoing import Outgoing

# A record of this many items stays under the limit of published records, even with the longest details.
_ITEMS = 200

_INSERT_RECEIPTS = """
INSERT INTO receipt (party, outcome, source, event_id, type, subject, updated_at, reason, path, detail, topic,
                     partition, "offset", recorded_at)
SELECT *, $14::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::text[], $12::int[], $13::bigint[])
"""


class Receipt(NamedTuple):
    """One answer to one party: the fields of `contracts.events.receipts.ReceiptItem`, in their order."""

    party: str
    outcome: Outcome
    source: str | None = None
    id: str | None = None
    type: str | None = None
    subject: str | None = None
    updated_at: datetime | None = None
    reason: str | None = None
    path: str | None = None
    detail: str | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None

    def item(self) -> dict[str, Any]:
        """The item as JSON; built without the model, since there is one for each report."""
        shown: dict[str, Any] = {n: v for n, v in zip(_FIELDS, self[1:], strict=True) if v is not None}
        if self.updated_at is not None:
            shown["updated_at"] = utc_text(self.updated_at)
        return shown


_FIELDS: Final = Receipt._fields[1:]


async def keep_receipts(connection: Connection, receipts: Sequence[Receipt], recorded_at: datetime) -> None:
    """Stores receipts for GET /v1/receipts; one statement."""
    if not receipts:
        return
    await connection.execute(_INSERT_RECEIPTS, *(list(column) for column in zip(*receipts, strict=True)), recorded_at)


def receipt_records(service: str, batch: str, receipts: Sequence[Receipt], recorded_at: datetime) -> Iterator[Outgoing]:
    """The receipts as records for `receipts-<party>`, one for each party and source of a batch."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for receipt in receipts:
        groups.setdefault((receipt.party, receipt.source or ""), []).append(receipt.item())
    for (party, source), items in groups.items():
        for start in range(0, len(items), _ITEMS):
            part = items[start : start + _ITEMS]
            data = {"party": party, "service": service, "recorded_at": utc_text(recorded_at), "items": part}
            name = hashlib.sha256(f"{batch}/{party}/{source}/{start}".encode()).hexdigest()[:32]
            topic = RECEIPTS.of(party)
            yield Outgoing(topic, source or party, name, catalogue.RECEIPT, party, orjson.dumps(data))
