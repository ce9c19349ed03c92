"""What each of the three services leaves of a batch of records: what it stores, and what it passes on.

Invariant: functions of the records alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.bench.floor.store import Batch

AUDIENCE = (
    *("pr", "rai", "trk", "ktz", "rzd"),
    *("fbr", "irica", "tmcustoms", "kgd", "fcs"),
    *("indus-forwarding", "caspian-trading", "corridor-control"),
)
"""As many parties as are told of a container that is booked from Lahore to Astrakhan."""
_NOTIFIED = ",".join(f"notifications-{party}" for party in AUDIENCE)
_COUNTRIES = {"fbr": "pk", "irica": "ir", "tmcustoms": "tm", "kgd": "kz", "fcs": "ru"}

READS = {
    "tracking": "^milestones-",
    "customs": "^(tracking-events$|declarations-|customs-decisions-)",
    "notifications": "^(tracking|customs)-events$",
}
"""The topics of each service, as a pattern."""


def tracking(records: Sequence[Any], batch: Batch) -> None:
    """Every report is stored, passed on, and receipted: one receipt to a sender for all of a batch."""
    _report(records, batch)
    batch.outgoing += [("tracking-events", _key(record), record.value) for record in records]


def customs(records: Sequence[Any], batch: Batch) -> None:
    """What tracking says is stored; papers are stored, receipted, and passed on to all and to their country."""
    papers = [record for record in records if record.topic != "tracking-events"]
    batch.entities |= {_key(record): record.value for record in records if record.topic == "tracking-events"}
    if papers:
        _report(papers, batch)
        batch.outgoing += [
            (f"customs-events,customs-cases-{_country(record.topic)}", _key(record), record.value) for record in papers
        ]


def notifications(records: Sequence[Any], batch: Batch) -> None:
    """Everything is stored, and is an item for the whole audience, in the feed and in each party's topic."""
    batch.entities |= {_key(record): record.value for record in records}
    batch.items += [(_key(record), record.value) for record in records]
    batch.outgoing += [(_NOTIFIED, _key(record), record.value) for record in records]


STEPS: dict[str, Callable[[Sequence[Any], Batch], None]] = {
    "tracking": tracking,
    "customs": customs,
    "notifications": notifications,
}


def _report(records: Sequence[Any], batch: Batch) -> None:
    receipts: dict[str, list[str]] = {}
    for record in records:
        name = _id(record)
        batch.reports.append((record.topic, name, _key(record), record.value))
        receipts.setdefault(record.topic.removeprefix("customs-").partition("-")[2], []).append(name)
    batch.outgoing += [(f"receipts-{party}", party, json.dumps(ids).encode()) for party, ids in receipts.items()]


def _id(record: Any) -> str:
    """The identity in the headers; a structured event has it inside, and where it is stands for it here."""
    found = next((value for name, value in record.headers if name == "ce_id"), None)
    return found.decode() if found else f"{record.partition}/{record.offset}"


def _key(record: Any) -> str:
    return str(record.key.decode())


def _country(topic: str) -> str:
    return _COUNTRIES.get(topic.removeprefix("customs-decisions-"), "pk")
