"""Feed and stream: whoever comes back with the last id gets every item once; a snapshot and its cursor fit together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from contracts import topics
from deploy.local.stack import Stack
from services.chassis.base.database import transaction
from services.chassis.base.parties import digest, save_token
from services.chassis.service.runtime import Runtime
from services.notifications import store, stream
from services.notifications.api import make_app
from services.notifications.domain.fold import visible
from services.notifications.feeds import read_feed
from tests.support import builders as b
from tests.support.pipeline import Line, all_taken_out, emptied, fresh_line, hand_over

pytestmark = pytest.mark.servers

CONTROL, SHIPPER = "corridor-control", "ravi-textiles"
POINTS = ("pk-lahore", "pk-rohri", "pk-jacobabad", "pk-sibi", "pk-quetta", "pk-nushki", "pk-dalbandin", "pk-taftan")


@pytest.fixture(scope="module")
async def shared_line(stack: Stack) -> AsyncIterator[Line]:
    assert stack.admin_url
    async with fresh_line(stack.admin_url) as line:
        async with transaction(line.notifications.pool) as connection:
            for party in (CONTROL, SHIPPER):
                await save_token(connection, party, "test", digest(f"token-of-{party}"), b.START)
        yield line


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)


class Reader:
    """A client of the API, and what it does with items: a fact is what its last item says."""

    def __init__(self, runtime: Runtime, party: str = CONTROL) -> None:
        self.runtime = runtime
        self.party = party
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(make_app(runtime)),
            base_url="http://notifications",
            headers={"Authorization": f"Bearer token-of-{party}"},
            timeout=20,
        )

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stream(self, last: bytes | None = None) -> list[tuple[str, dict[str, Any]]]:
        """What a stream sends before it ends, which it does here after its first look."""
        looks = iter([False])
        self.runtime.is_stopping = lambda: next(looks, True)
        self.runtime.next_commit.set()
        headers = [] if last is None else [(b"Last-Event-ID", last)]
        answer = await self.client.get("/v1/stream", headers=headers)
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event for block in answer.text.split("\n\n") for event in _event(block)]


def _event(block: str) -> list[tuple[str, dict[str, Any]]]:
    fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
    return [(fields["id"], json.loads(fields["data"]))] if "data" in fields else []


def passages(first: int, last: int) -> list[Any]:
    return [b.a_milestone("PASS", at=n, point=POINTS[n]) for n in range(first, last)]


async def test_the_feed_is_read_in_pages_without_gap_or_repeat(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 8))
    reader = Reader(line.runtime)

    read, after = [], 0
    while items := (page := await reader.get("/v1/feed", after=after, limit=3))["items"]:
        read += items
        after = page["after"]

    assert read == (await reader.get("/v1/feed", limit=1000))["items"]
    assert len({i["item"] for i in read}) == len(read) == 8


async def test_the_last_items_end_at_the_cursor(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 8))
    reader = Reader(line.runtime)

    page = await reader.get("/v1/feed", last=3)

    assert page["items"] == (await reader.get("/v1/feed", limit=1000))["items"][-3:]
    assert (await reader.get("/v1/feed", after=page["after"]))["items"] == []


async def test_a_stream_sends_the_items_of_the_feed(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 4))
    reader = Reader(line.runtime)

    events = await reader.stream()

    assert [data for _, data in events] == (await reader.get("/v1/feed"))["items"]
    assert [id for id, _ in events] == [str(data["sequence"]) for _, data in events]


async def test_what_has_not_been_sent_is_not_shown_yet(line: Line) -> None:
    """Not in the feed, nor at its end, nor in the stream; and a snapshot's cursor stands before it."""
    await line.feed(b.a_consist(), *passages(1, 3))
    reader = Reader(line.runtime)
    shown = await reader.get("/v1/feed")
    cursor, _ = await snapshot(line)
    await feed_without_sending(line, passages(3, 4)[0])

    assert await reader.get("/v1/feed") == shown
    assert (await reader.get("/v1/feed", last=100))["items"] == shown["items"]
    assert [data for _, data in await reader.stream()] == shown["items"]
    assert (await snapshot(line))[0] == cursor == shown["after"]
    await all_taken_out(line.notifications)
    assert len((await reader.get("/v1/feed"))["items"]) == len(shown["items"]) + 1


async def test_who_comes_back_with_the_last_id_gets_every_item_once(line: Line) -> None:
    """Whichever event was the last one that arrived."""
    await line.feed(b.a_consist(), *passages(1, 6))
    reader = Reader(line.runtime)
    whole = await reader.stream()
    assert len(whole) == 6

    for position, (last, _) in enumerate(whole):
        assert whole[: position + 1] + await reader.stream(last.encode()) == whole


@pytest.mark.parametrize("last", [b"", b"x", b"\xb2", b"-1", b"1.5"])
async def test_a_last_id_that_is_none_of_ours_begins_at_the_beginning(line: Line, last: bytes) -> None:
    await line.feed(b.a_consist())

    assert len(await Reader(line.runtime).stream(last)) == 1


async def test_a_last_id_beyond_all_numbers_gets_nothing(line: Line) -> None:
    await line.feed(b.a_consist())

    assert await Reader(line.runtime).stream(b"9" * 40) == []


async def test_who_listens_gets_what_is_numbered_while_it_does(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 3))
    events = followed(line)
    heard = await listened(events, 4)

    for batch in (passages(3, 5), passages(5, 6)):
        await line.feed(*batch)
        heard += await listened(events, len(batch))

    await events.aclose()  # type: ignore[attr-defined]
    assert heard == await read_feed(line.notifications.pool, CONTROL, 0, 1000)


def followed(line: Line) -> AsyncIterator[Any]:
    """The control room's stream, from its beginning."""
    return stream.follow(stream.Channels(line.runtime), line.runtime, CONTROL, 0, always)


async def always() -> bool:
    return True


async def listened(events: AsyncIterator[Any], count: int) -> list[dict[str, Any]]:
    """The next events of a stream, comments among them."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        event = await asyncio.wait_for(anext(events), 10)
        if event.raw_data is not None:
            found.append(json.loads(event.raw_data))
        else:
            count -= 1
    return found


async def test_more_than_a_page_is_streamed_without_a_pause(line: Line) -> None:
    size = stream.PAGE + 5
    await line.notifications.pool.execute(
        """
        WITH made AS (INSERT INTO item (item, entity, subject, fact, content, late, recorded_at)
            SELECT gen_random_uuid(), 's', 's', n::text, '{}', false, $2 FROM generate_series(1, $3::int) n
            RETURNING item, fact)
        INSERT INTO delivery (party, sequence, item, action, alert)
        SELECT $1, fact::int, item, 'new', true FROM made
        """,
        CONTROL,
        b.START,
        size,
    )

    events = followed(line)
    heard = await listened(events, size + 1)

    assert [i["sequence"] for i in heard] == list(range(1, size + 1))


async def test_a_party_reads_its_own_feed_and_no_other(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 3))

    assert (await Reader(line.runtime, SHIPPER).get("/v1/feed"))["items"] == []
    assert await Reader(line.runtime, SHIPPER).stream() == []


async def test_a_subject_of_which_one_may_see_nothing_is_not_found(line: Line) -> None:
    await line.feed(b.a_consist(), *passages(1, 3))
    path = "/v1/subjects/" + b.TRAIN.replace(":", "/", 1)

    assert (await Reader(line.runtime).get(path))["status"] == "in_transit"
    assert (await Reader(line.runtime, SHIPPER).client.get(path)).status_code == 404


async def test_a_subject_is_shown_without_who_may_see_what(line: Line) -> None:
    parties = [{"party": SHIPPER, "role": "shipper"}]
    await line.feed(b.a_booking(parties=parties), b.a_consist(), *passages(1, 3))
    path = "/v1/subjects/" + b.CONTAINER.replace(":", "/", 1)

    for party in (SHIPPER, CONTROL):
        shown = await Reader(line.runtime, party).get(path)
        assert "parties" not in json.dumps(shown) and "current" not in shown
        assert [f["code"] for f in shown["facts"]] == ["PASS", "PASS"]


async def test_a_snapshot_and_its_cursor_give_what_listening_all_along_gives(line: Line) -> None:
    """Taken after every report: before its items were sent, and after it."""
    departure = b.a_milestone("DEPA", at=2, id="d")
    corrected = b.a_milestone("DEPA", at=3, id="d", updated_at=b.hours(50))
    gone = b.a_milestone("PASS", at=30, point="pk-sibi", id="p", updated_at=b.hours(60), retracted=True)
    reports = [b.a_booking(), b.a_consist(), departure, b.a_milestone("PASS", at=30, point="pk-sibi", id="p")]
    reports += [corrected, gone, b.a_declaration(), b.a_decision("accept"), b.a_hold(b.CASE), b.a_lift(b.CASE)]
    taken = [await snapshot(line)]
    for report in reports:
        await feed_without_sending(line, report)
        taken.append(await snapshot(line))
        await all_taken_out(line.notifications)
        taken.append(await snapshot(line))

    _, final = await snapshot(line)

    assert len({cursor for cursor, _ in taken}) > len(reports) / 2
    for cursor, facts in taken:
        for item in await read_feed(line.notifications.pool, CONTROL, cursor, 1000):
            apply(facts, item)
        assert facts == final


Facts = dict[str, Mapping[str, Any]]
_SAYS = ("topic", "subject", "code", "point", "instant", "state")


async def feed_without_sending(line: Line, report: Any) -> None:
    owner = line.tracking if report.type in topics.MILESTONES.types else line.customs
    await owner.feed([report])
    await hand_over(line.tracking, topics.TRACKING_EVENTS.name, line.customs, line.notifications)
    await line.customs.settle()
    await hand_over(line.customs, topics.CUSTOMS_EVENTS.name, line.notifications)
    await line.notifications.settle()


async def snapshot(line: Line) -> tuple[int, Facts]:
    """The cursor of the overview, and the facts that go with it."""
    _, cursor = await store.read_overview(line.notifications.pool, CONTROL, None, "", 1000)
    found: Facts = {}
    for picture in (await line.notifications.pictures()).values():
        for fact in told_to(picture, CONTROL):
            found[fact["fact"]] = {name: fact.get(name) for name in _SAYS}
    return cursor, found


def told_to(picture: Mapping[str, Any], party: str) -> list[dict[str, Any]]:
    """The facts of a picture that a party is told; what a train has told already is to be seen, but not told again."""
    return [fact for fact in visible(picture, party) if "via" not in fact]


def apply(facts: Facts, item: Mapping[str, Any]) -> None:
    if item["action"] == "withdrawn":
        facts.pop(item["fact"], None)
    else:
        facts[item["fact"]] = {name: item.get(name) for name in _SAYS}
