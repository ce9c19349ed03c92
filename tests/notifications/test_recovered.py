"""What was sent to parties and forgotten: feeds have it again, and what no longer holds is taken back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from contracts.envelope.codec import Event
from services.notifications import feeds
from services.notifications.domain.items import diff, digest_of, item_id, recovered
from services.notifications.domain.shared import Entry
from tests.notifications.test_items import ARRIVAL, NOW, Got, got, told
from tests.support import builders as b
from tests.support.fixtures import line_fixture
from tests.support.pipeline import Line, all_taken_out, emptied
from tests.support.steps import go_back, read_back, save

pytestmark = pytest.mark.servers

PARTY = "corridor-control"
Records = list[ConsumerRecord[bytes, bytes]]


shared_line = line_fixture("module")


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)


async def given_up(line: Line, *events: Event) -> tuple[Records, Records]:
    """What notifications reads and tells of these events; then its store is put back to before them."""
    await line.feed(b.a_consist())
    await all_taken_out(line.notifications)
    await save(line.notifications.pool)
    await line.tracking.feed(events)
    read = [r for r in await all_taken_out(line.tracking) if r.topic == "tracking-events"]
    await hear(line, read)
    told_then = await all_taken_out(line.notifications)
    await go_back(line.notifications)
    return read, told_then


async def hear(line: Line, read: Records) -> None:
    if read:
        await line.notifications.take(read)
    await line.notifications.settle()


async def feed(line: Line) -> list[dict[str, Any]]:
    return await feeds.read_feed(line.notifications.pool, PARTY, 0, 10_000)


def of_party(records: Records) -> list[dict[str, Any]]:
    return [json.loads(r.value or b"") for r in records if r.topic == f"notifications-{PARTY}"]


def is_chain(items: Sequence[dict[str, Any]]) -> bool:
    return all(after["previous_sequence"] == before["sequence"] for before, after in pairwise(items))


async def test_items_are_in_the_feed_again_under_their_numbers(line: Line) -> None:
    _, told_then = await given_up(line, b.a_milestone("DEPA", at=2))
    sent = of_party(told_then)

    await read_back(line.notifications, told_then)

    items = await feed(line)
    assert sent and items[-len(sent) :] == sent
    assert is_chain(items)


async def test_what_is_read_again_is_not_told_again(line: Line) -> None:
    read, told_then = await given_up(line, b.a_milestone("DEPA", at=2))

    await read_back(line.notifications, told_then)
    await hear(line, read)

    assert told_then
    assert await all_taken_out(line.notifications) == []


async def test_what_no_longer_holds_is_taken_back(line: Line) -> None:
    _, told_then = await given_up(line, b.a_milestone("DEPA", at=2))

    await read_back(line.notifications, told_then)
    await hear(line, [])

    sent = of_party(told_then)
    taken_back = of_party(await all_taken_out(line.notifications))
    assert {i["action"] for i in taken_back} == {"withdrawn"}
    assert sorted(i["supersedes"] for i in taken_back) == sorted(i["item"] for i in sent)
    assert is_chain(await feed(line))


async def test_nothing_is_numbered_before_it_is_read_back(line: Line) -> None:
    read, told_then = await given_up(line, b.a_milestone("DEPA", at=2))
    later = await feed(line)
    await line.notifications.take(read)
    await line.notifications.settle()
    before = await feed(line)

    await read_back(line.notifications, told_then)
    await line.notifications.settle()

    assert before == later
    assert len(await feed(line)) > len(before)


def test_who_has_what_is_the_same_as_if_it_had_never_been_forgotten() -> None:
    """A fact of which all parties were told, and then of a change."""
    before, after = told("ab"), told("ab", instant="11:00")
    first, given = diff({}, [before], NOW)
    second, _ = diff(given, [after], NOW)

    entry: Entry | None = None
    for number, item in enumerate([*got(first), *got(second)], 1):
        entry = recovered(entry, sent(item, number), item.content)

    assert entry is not None
    assert diff({ARRIVAL: entry}, [after], NOW)[0] == []


def test_parties_that_have_different_contents_are_each_told_what_is_so() -> None:
    """One party was sent a change, and the other was not."""
    first, second, third = (told("ab", point=point) for point in ("x", "y", "z"))
    _, given = diff({}, [first], NOW)
    changes, _ = diff(given, [second], NOW)
    change = next(i for i in got(changes) if i.party == "a")

    entry = recovered(given[ARRIVAL], sent(change, 7), second.content)
    items, _ = diff({ARRIVAL: entry}, [third], NOW)

    assert {i.party: (i.action, i.supersedes) for i in got(items)} == {
        "a": ("changed", change.item),
        "b": ("changed", item_id(ARRIVAL, digest_of(first.content), 1)),
    }


def test_a_party_from_which_it_was_taken_back_has_it_no_longer() -> None:
    one = told("ab")
    _, given = diff({}, [one], NOW)
    items, _ = diff(given, [told("b")], NOW)

    entry = recovered(given[ARRIVAL], sent(got(items)[0], 7), items[0].content)

    assert [(i.party, i.action) for i in got(diff({ARRIVAL: entry}, [one], NOW)[0])] == [("a", "new")]


def sent(item: Got, sequence: int) -> dict[str, Any]:
    """An item as it is on its topic, so far as its fact is concerned."""
    return {
        "item": item.item,
        "party": item.party,
        "fact": item.fact,
        "action": item.action,
        "sequence": sequence,
        "recorded_at": NOW.isoformat(),
    }
