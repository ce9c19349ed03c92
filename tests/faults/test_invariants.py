"""The checks bite: a run that was not disturbed has no violation, and each thing that is tampered with is named.

One small system is played end to end; what it left is then altered in memory, one thing at a time.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from contracts import topics
from contracts.events.receipts import ReceiptIssued
from tests.faults import invariants
from tests.faults.evidence import Acknowledged, Evidence
from tests.faults.load import sends
from tests.faults.looked import Found, Row, Taken, look
from tests.faults.mess import BAD
from tests.faults.undisturbed import Pictures
from tests.faults.voyage import SHIPPERS, voyage
from tests.support.system import System, running_system

pytestmark = pytest.mark.servers

SEED, JOURNEYS = 7, 2
REPUBLISH = "INSERT INTO fold_queue (subject, cause, priority) SELECT subject, 'republish', 10 FROM picture"
BOX = "container:PKRU4000000"


@dataclass
class Run:
    """What a run has left, and what an undisturbed one gives."""

    evidence: Evidence
    found: Found
    expected: Pictures

    def copy(self) -> Run:
        """One that can be tampered with."""
        stores = {name: {table: list(rows) for table, rows in one.items()} for name, one in self.found.stores.items()}
        found = Found(stores, {name: list(records) for name, records in self.found.records.items()})
        streamed = {party: list(items) for party, items in self.evidence.streamed.items()}
        return Run(replace(self.evidence, streamed=streamed), found, self.expected)


@pytest.fixture(scope="module")
async def run() -> AsyncIterator[Run]:
    """Two journeys through a real system, read by a stream reader that was cut once."""
    async with running_system() as system:
        acknowledged = await played(system)
        await system.settled(120)
        for service in ("tracking", "customs"):
            await republish(system.stack.database_urls[service])
        await system.settled(120)
        evidence = Evidence(
            system.stack.access,
            system.stack.database_urls,
            {},
            system.tokens,
            datetime.now(UTC),
            acknowledged,
        )
        found = await look(evidence)
        expected = await invariants.reference(evidence, found, system.stack.admin_url)
    evidence.streamed = {party: twice(told(found, party)) for party in ("pr", "ravi-textiles", "volga-logistics")}
    yield Run(evidence, found, expected)


async def played(system: System) -> list[Acknowledged]:
    waiting = [
        (send, await system.producer.send(send.topic, send.value, key=send.key, headers=list(send.headers)))
        for send in sends(SEED, JOURNEYS)
    ]
    found = [(send, await metadata) for send, metadata in waiting]
    return [Acknowledged(send, at.partition, at.offset) for send, at in found]


async def republish(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(REPUBLISH)
    await connection.close()


def told(found: Found, party: str) -> list[dict[str, Any]]:
    return [json.loads(r.value or b"") for r in found.records[topics.NOTIFICATIONS.of(party)]]


def twice(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a reader sees that was cut in the middle and begins some items before."""
    middle = len(items) // 2
    return [*items[:middle], *items[max(0, middle - 3) :]]


def violated(run: Run, invariant: str) -> bool:
    return any(v.invariant == invariant for v in invariants.judge(run.evidence, run.found, run.expected))


def test_a_run_that_nothing_disturbed_has_no_violation(run: Run) -> None:
    assert invariants.limited(invariants.judge(run.evidence, run.found, run.expected)) == []


def test_the_load_is_the_same_for_the_same_seed_and_has_every_reason() -> None:
    load = sends(SEED, JOURNEYS)

    assert load == sends(SEED, JOURNEYS)
    assert load != sends(SEED + 1, JOURNEYS)
    assert {send.refused_as for send in load} == {None, *BAD}
    assert 200 <= len(load) <= 300


# --- Ways to tamper: each takes what was found and spoils one thing of it.


def rows(run: Run, service: str, table: str) -> list[Row]:
    return run.found.stores[service][table]


def an_event_is_gone(run: Run) -> None:
    rows(run, "tracking", "event").pop(5)


def an_event_is_another(run: Run) -> None:
    events = rows(run, "customs", "event")
    events[3] = {**events[3], "body": b"{}"}


def an_event_comes_from_nowhere(run: Run) -> None:
    events = rows(run, "customs", "event")
    events.append({**events[3], "event_id": "never-sent"})


def a_dead_letter_is_gone(run: Run) -> None:
    rows(run, "tracking", "dead_letter").pop()


def a_dead_letter_has_another_reason(run: Run) -> None:
    letters = rows(run, "tracking", "dead_letter")
    letters[0] = {**letters[0], "reason": "quarantined"}


def a_good_record_is_put_aside(run: Run) -> None:
    event = rows(run, "tracking", "event")[0]
    rows(run, "tracking", "dead_letter").append({**event, "reason": "quarantined"})


def kafka_has_lost_a_record(run: Run) -> None:
    run.found.records["milestones-pr"].pop(7)


def a_numbered_item_was_never_sent(run: Run) -> None:
    run.found.records["notifications-pr"].pop()
    run.evidence.streamed = {}


def a_revision_is_accepted_twice(run: Run) -> None:
    receipts = rows(run, "tracking", "receipt")
    receipts.append(next(r for r in receipts if r["outcome"] == "accepted"))


def a_repeat_is_accepted(run: Run) -> None:
    receipts = rows(run, "tracking", "receipt")
    number = next(n for n, r in enumerate(receipts) if r["outcome"] == "repeat")
    receipts[number] = {**receipts[number], "outcome": "accepted"}


def an_item_is_there_twice(run: Run) -> None:
    items = rows(run, "notifications", "item")
    items.append(items[4])


def a_receipt_is_missing(run: Run) -> None:
    receipts = rows(run, "customs", "receipt")
    receipts.remove(next(r for r in receipts if r["outcome"] == "accepted"))


def a_sender_was_not_told(run: Run) -> None:
    """One item of one receipt record is left out."""
    records = run.found.records["receipts-fbr"]
    body = ReceiptIssued.model_validate_json(records[0].value or b"")
    kept = body.model_copy(update={"items": body.items[1:]})
    records[0] = replace(records[0], value=kept.model_dump_json().encode())


def a_picture_has_another_fact(run: Run) -> None:
    _repaint(run, "tracking", BOX, lambda picture: picture["timeline"][0].update(party="rzd"))


def a_case_is_in_another_state(run: Run) -> None:
    case = "case:consignment:indus-forwarding/F000/PK/EXPORT/1"
    _repaint(run, "customs", case, lambda picture: picture.update(state="RELEASED"))


def a_picture_of_notifications_is_another(run: Run) -> None:
    _repaint(run, "notifications", BOX, lambda picture: picture["facts"].pop())


def a_picture_is_gone(run: Run) -> None:
    pictures = rows(run, "customs", "picture")
    pictures.remove(next(p for p in pictures if p["subject"].startswith("passage:")))


def _repaint(run: Run, service: str, subject: str, change: Callable[[Any], object]) -> None:
    pictures = rows(run, service, "picture")
    number = next(n for n, p in enumerate(pictures) if p["subject"] == subject)
    picture = json.loads(pictures[number]["content"])
    change(picture)
    pictures[number] = {**pictures[number], "content": json.dumps(picture)}


def two_versions_change_places(run: Run) -> None:
    records = run.found.records["tracking-events"]
    one, other = [n for n, r in enumerate(records) if r.key == BOX.encode()][:2]
    records[one], records[other] = records[other], records[one]


def the_highest_version_never_came(run: Run) -> None:
    records = run.found.records["tracking-events"]
    highest = max(_version(r) for r in records if r.key == BOX.encode())
    records[:] = [r for r in records if (r.key, _version(r)) != (BOX.encode(), highest)]


def an_old_version_is_the_last_word(run: Run) -> None:
    records = run.found.records["customs-cases-pk"]
    records.append(next(r for r in records if (r.key or b"").startswith(b"case:")))


def an_entity_is_on_no_topic(run: Run) -> None:
    records = run.found.records["tracking-events"]
    records[:] = [r for r in records if r.key != BOX.encode()]


def the_store_does_not_know_what_it_has_told(run: Run) -> None:
    records = run.found.records["customs-events"]
    entity = next((r.key or b"").decode() for r in records if (r.key or b"").startswith(b"arrival:"))
    for number, row in enumerate(rows(run, "customs", "picture")):
        book = {name: entry for name, entry in json.loads(row["published"]).items() if name != entity}
        rows(run, "customs", "picture")[number] = {**row, "published": json.dumps(book)}


def _version(record: Taken) -> int:
    return int(json.loads(record.value or b"")["version"])


def a_feed_has_a_gap(run: Run) -> None:
    items = rows(run, "notifications", "item")
    items.remove([item for item in items if item["party"] == "pr"][10])


def a_feed_has_forgotten_its_end(run: Run) -> None:
    items = rows(run, "notifications", "item")
    last = max((i for i in items if i["party"] == "pr"), key=lambda i: i["sequence"])
    items.remove(last)


def two_numbers_change_places_on_the_topic(run: Run) -> None:
    records = run.found.records["notifications-pr"]
    records[3], records[9] = records[9], records[3]


def a_party_is_told_of_anothers_container(run: Run) -> None:
    _whisper(run, _stranger(run), {"subject": BOX})


def a_party_is_told_who_else_is_on_the_train(run: Run) -> None:
    _whisper(run, _stranger(run), {"reported_by": voyage(0, SEED).shipper})


def _stranger(run: Run) -> str:
    """A shipper that has no part in the goods of the first journey, and is told of them."""
    others = [party for party in SHIPPERS if party != voyage(0, SEED).shipper]
    first, name = run.found.records[topics.NOTIFICATIONS.of(voyage(0, SEED).shipper)][0], others[0]
    run.found.records[topics.NOTIFICATIONS.of(name)] = [first]
    return name


def a_railway_is_told_why(run: Run) -> None:
    _whisper(run, "rai", {"detail": "DOC_MISMATCH"} if _is_used(run, "DOC_MISMATCH") else {"detail": "RANDOM"})


def _is_used(run: Run, reason: str) -> bool:
    return any(reason.encode() in event["body"] for event in rows(run, "customs", "event"))


def _whisper(run: Run, party: str, more: Mapping[str, Any]) -> None:
    """The first item of a party says more than it may."""
    records = run.found.records[topics.NOTIFICATIONS.of(party)]
    body = json.loads(records[0].value or b"") | more
    records[0] = replace(records[0], value=json.dumps(body).encode())


def a_case_reaches_another_country(run: Run) -> None:
    run.found.records["customs-cases-ru"] += run.found.records["customs-cases-ir"][:1]


def something_is_still_to_be_folded(run: Run) -> None:
    rows(run, "customs", "fold_queue").append({"subject": BOX})


def something_could_not_be_sent(run: Run) -> None:
    rows(run, "tracking", "outbox_failed").append({"topic": "tracking-events"})


def the_stream_missed_an_item(run: Run) -> None:
    items = run.evidence.streamed["pr"]
    run.evidence.streamed = {"pr": [item for item in items if item["item"] != items[8]["item"]]}


def the_stream_showed_what_is_in_no_feed(run: Run) -> None:
    items = told(run.found, "pr")
    run.evidence.streamed = {"pr": [*items, {**items[-1], "sequence": items[-1]["sequence"] + 1}]}


def the_stream_changed_the_order(run: Run) -> None:
    items = told(run.found, "pr")
    items[2], items[7] = items[7], items[2]
    run.evidence.streamed = {"pr": items}


TAMPERED: Mapping[str, tuple[Callable[[Run], None], ...]] = {
    "lost": (
        an_event_is_gone,
        an_event_is_another,
        an_event_comes_from_nowhere,
        a_dead_letter_is_gone,
        a_dead_letter_has_another_reason,
        a_good_record_is_put_aside,
        kafka_has_lost_a_record,
        a_numbered_item_was_never_sent,
        a_feed_has_forgotten_its_end,
    ),
    "doubled": (a_revision_is_accepted_twice, a_repeat_is_accepted, an_item_is_there_twice),
    "answered": (a_receipt_is_missing, a_sender_was_not_told),
    "picture": (
        a_picture_has_another_fact,
        a_case_is_in_another_state,
        a_picture_of_notifications_is_another,
        a_picture_is_gone,
    ),
    "out_of_order": (
        two_versions_change_places,
        the_highest_version_never_came,
        an_old_version_is_the_last_word,
        an_entity_is_on_no_topic,
        the_store_does_not_know_what_it_has_told,
        a_feed_has_a_gap,
        two_numbers_change_places_on_the_topic,
    ),
    "leaked": (
        a_party_is_told_of_anothers_container,
        a_party_is_told_who_else_is_on_the_train,
        a_railway_is_told_why,
        a_case_reaches_another_country,
    ),
    "queues": (something_is_still_to_be_folded, something_could_not_be_sent),
    "stream": (the_stream_missed_an_item, the_stream_showed_what_is_in_no_feed, the_stream_changed_the_order),
}


@pytest.mark.parametrize(
    ("name", "tamper"), [pytest.param(n, t, id=f"{n}-{t.__name__}") for n, found in TAMPERED.items() for t in found]
)
def test_what_is_tampered_with_is_named(run: Run, name: str, tamper: Callable[[Run], None]) -> None:
    tampered = run.copy()
    tamper(tampered)

    assert violated(tampered, name)


def test_ten_of_a_kind_are_told_and_the_rest_is_counted(run: Run) -> None:
    tampered = run.copy()
    tampered.found.stores["tracking"]["event"].clear()

    shown = invariants.limited(invariants.judge(run.evidence, tampered.found, run.expected))

    lost = [v.detail for v in shown if v.invariant == "lost"]
    assert len(lost) == 11
    assert lost[-1].startswith("and ")
