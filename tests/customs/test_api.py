"""Customs over HTTP: verdicts that are waited for, and cases in the form of who asks.

The app is the real one; what it produces is read by the same store at once, instead of through Kafka.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest

from contracts.envelope import codec
from contracts.envelope.codec import Event
from services.chassis.base.database import transaction
from services.chassis.base.parties import digest, save_token
from services.customs.api import make_app
from tests.support import builders as b
from tests.support.pipeline import Line, runtime_of
from tests.support.stores import Store

pytestmark = pytest.mark.servers


class AtOnce:
    """Stands in for the Kafka producer: what is sent has been read when the send is acknowledged."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.sent = asyncio.Event()

    async def send(self, topic: str, value: bytes, key: bytes, headers: Any) -> asyncio.Future[None]:
        record = b.a_record(topic, await self._next(topic), headers, value, key)
        await self.store.take([record])
        self.sent.set()
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def _next(self, topic: str) -> int:
        found = await self.store.pool.fetchval("SELECT next_offset FROM position WHERE topic = $1", topic)
        return int(found or 0)


class Door:
    """The API on a store, as parties use it."""

    def __init__(self, store: Store) -> None:
        runtime = runtime_of(store)
        self.producer: Any = AtOnce(store)
        runtime.producer = cast(Any, self.producer)
        self.store = store
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(make_app(runtime)), base_url="http://customs", timeout=20
        )

    async def post(self, event: Event, party: str, wait: float = 0) -> httpx.Response:
        document = codec.structured(
            id=event.id, source=event.source, type=event.type, subject=event.subject, data=json.loads(event.body)
        )
        headers = {"content-type": codec.STRUCTURED, **bearer(party)}
        return await self.client.post("/v1/events", params={"wait": wait}, json=document, headers=headers)

    async def get(self, path: str, party: str, **query: Any) -> Any:
        answer = await self.client.get(path, params=query, headers=bearer(party))
        return answer.json()

    async def decide(self, event: Event, party: str = "fbr") -> httpx.Response:
        """Posts and waits, while the case is folded once the event is there."""
        self.producer.sent.clear()
        asking = asyncio.create_task(self.post(event, party, wait=10))
        await asyncio.wait_for(self.producer.sent.wait(), 10)
        await self.store.settle()
        return await asyncio.wait_for(asking, 15)


def bearer(party: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-{party}"}


async def opened(store: Store) -> AsyncIterator[Door]:
    async with transaction(store.pool) as connection:
        for party in ("fbr", "irica", "indus-forwarding", "caspian-trading", "volga-logistics", "pr", "operations"):
            await save_token(connection, party, "test", digest(f"token-of-{party}"), b.START)
    door = Door(store)
    async with door.client:
        yield door


@pytest.fixture
async def door(store: Store) -> AsyncIterator[Door]:
    await store.feed([b.a_declaration()])
    async for door in opened(store):
        yield door


async def test_a_decision_that_takes_effect_is_answered_200_with_its_verdict(door: Door) -> None:
    answer = await door.decide(b.a_decision("accept"))

    assert answer.status_code == 200
    assert (answer.json()["verdict"]["verdict"], answer.json()["verdict"]["state"]) == ("effective", "ACCEPTED")


async def test_a_release_under_a_hold_is_answered_409_with_the_holds(door: Door) -> None:
    await door.store.feed([b.a_decision("accept", at=-38), b.a_hold(b.CASE)])

    answer = await door.decide(b.a_decision("release"))

    assert answer.status_code == 409
    assert answer.json()["verdict"]["holds"] == ["H1"]


async def test_a_decision_whose_verdict_is_not_known_in_time_is_answered_202_with_a_link(door: Door) -> None:
    event = b.a_decision("accept", f"case:{b.CONSIGNMENT}/PK/EXPORT/2", id="a&b#c d")

    answer = await door.post(event, "fbr", wait=0.01)
    await door.store.settle()
    found = await door.client.get(answer.headers["Location"], headers=bearer("fbr"))

    assert answer.status_code == 202
    assert found.json()["verdict"] == "waiting"


async def test_the_verdict_on_the_revision_before_is_no_answer(door: Door) -> None:
    await door.decide(b.a_decision("accept", id="d"))

    answer = await door.decide(b.a_decision("reject", id="d", updated_at=b.hours(1)))

    assert answer.json()["verdict"]["decision"] == "reject"


async def test_a_repeat_is_answered_with_the_verdict_that_stands(door: Door) -> None:
    await door.decide(b.a_decision("accept", id="d"))

    answer = await door.decide(b.a_decision("accept", id="d"))

    assert answer.status_code == 200


async def test_the_verdict_on_another_partys_decision_is_not_told(door: Door) -> None:
    await door.decide(b.a_decision("accept", id="d"))

    found = await door.get("/v1/verdicts", "irica", case=b.CASE, source=b.source_of("fbr"), id="d")

    assert found["status"] == 404


async def test_a_party_of_other_cargo_is_shown_nothing(line: Line) -> None:
    await line.feed(b.a_booking(), b.a_declaration())
    async for door in opened(line.customs):
        assert (await door.get("/v1/cases", "volga-logistics", case=b.CASE))["items"] == []


@pytest.mark.parametrize(
    ("party", "form"),
    [
        ("fbr", "authority"),
        ("irica", "public"),
        ("indus-forwarding", "involved"),
        ("caspian-trading", "involved"),
        ("pr", "public"),
    ],
)
async def test_a_case_is_shown_in_the_form_of_who_asks(line: Line, party: str, form: str) -> None:
    parties = [{"party": "caspian-trading", "role": "consignee"}]
    await line.feed(b.a_booking(parties=parties), b.a_declaration(office="PKLHE"), b.a_hold(b.CASE))
    async for door in opened(line.customs):
        (case,) = (await door.get("/v1/cases", party, case=b.CASE))["items"]

    assert case["form"] == form
    assert ("office" in case, "RANDOM" in str(case)) == (form == "authority", form == "authority")


async def test_nobody_is_told_anything_without_a_token(door: Door) -> None:
    answer = await door.client.get("/v1/cases")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


# --- Decisions in bulk


async def bulk(door: Door, *events: Event, wait: float = 10) -> httpx.Response:
    """Posts a batch and waits, while cases are folded as long as the answer is not there."""
    documents = [
        codec.structured(id=e.id, source=e.source, type=e.type, subject=e.subject, data=json.loads(e.body))
        for e in events
    ]
    headers = {"content-type": codec.BATCH, **bearer("fbr")}
    posting = door.client.post("/v1/events", params={"wait": wait}, json=documents, headers=headers)
    asking = asyncio.create_task(posting)
    while not asking.done():
        await door.store.settle()
        await asyncio.wait([asking], timeout=0.02)
    return await asking


SECOND = "consignment:indus-forwarding/B2"
HELD = f"case:{SECOND}/PK/EXPORT/1"


@pytest.fixture
async def two_cases(door: Door) -> Door:
    accepted = [b.a_decision("accept", c, at=-38, id=f"a{n}") for n, c in enumerate((b.CASE, HELD))]
    await door.store.feed([b.a_declaration(SECOND, id="d2"), b.a_hold(HELD), *accepted])
    return door


async def test_each_decision_of_a_batch_is_answered_by_itself(two_cases: Door) -> None:
    """One release takes effect, though the other is stopped by a hold."""
    answer = await bulk(two_cases, b.a_decision("release", b.CASE, id="r1"), b.a_decision("release", HELD, id="r2"))

    assert answer.status_code == 409
    told = [(v["case"], v["verdict"], v.get("holds")) for v in answer.json()["verdicts"]]
    assert told == [(b.CASE, "effective", None), (HELD, "refused", ["H1"])]
    assert answer.json()["detail"] == "1 of 2 decisions have no effect"


async def test_a_batch_that_takes_effect_is_answered_200(two_cases: Door) -> None:
    answer = await bulk(two_cases, b.a_decision("review", b.CASE, id="v1"), b.a_decision("review", HELD, id="v2"))

    assert answer.status_code == 200
    assert [v["state"] for v in answer.json()["verdicts"]] == ["DOC_REVIEW", "DOC_REVIEW"]


async def test_what_is_not_known_of_a_batch_in_time_has_a_link(two_cases: Door) -> None:
    answer = await bulk(two_cases, b.a_decision("review", b.CASE, id="v1"), undeclared := later(), wait=1)

    assert answer.status_code == 202
    known, unknown = answer.json()["verdicts"]
    assert known["verdict"] == "effective"
    link = await two_cases.client.get(unknown["link"], headers=bearer("fbr"))
    assert (unknown["event_id"], link.json()["verdict"]) == (undeclared.id, "waiting")


def later() -> Event:
    return b.a_decision("accept", f"case:{b.CONSIGNMENT}/PK/EXPORT/2", id="w")


async def test_a_verdict_names_who_decided_and_by_which_number(door: Door) -> None:
    number: dict[str, Any] = {"origin": "transcribed", "national_number": "PK-77", "office": "PKLHE"}

    answer = await door.decide(b.a_decision("accept", id="d", **number))

    verdict = answer.json()["verdict"]
    assert {n: verdict[n] for n in ("officer", *number)} == {"officer": "A1", **number}
    assert "country" not in verdict


# --- Cases by what they have


async def found_by(door: Door, party: str = "fbr", **query: Any) -> list[str]:
    return [c["case"] for c in (await door.get("/v1/cases", party, **query))["items"]]


async def test_cases_are_found_by_what_is_asked_of_them_page_by_page(two_cases: Door) -> None:
    lodged = b.a_declaration(SECOND, jurisdiction="IR", procedure="TRANSIT", id="d3", containers=[b.CONTAINER])
    await two_cases.store.feed([lodged])

    assert await found_by(two_cases, held="true") == [HELD]
    assert await found_by(two_cases, procedure="EXPORT", held="false") == [b.CASE]
    assert await found_by(two_cases, "irica", unit=b.CONTAINER) == [f"case:{SECOND}/IR/TRANSIT/1"]
    first = await two_cases.get("/v1/cases", "fbr", state="ACCEPTED", limit=1)
    assert await found_by(two_cases, state="ACCEPTED", after=first["after"]) == [HELD]


async def test_nobody_finds_a_case_by_units_that_it_does_not_show_him(line: Line) -> None:
    await line.feed(b.a_booking(), b.a_declaration())
    async for door in opened(line.customs):
        seen = {p: len(await found_by(door, p, unit=b.CONTAINER)) for p in ("fbr", "indus-forwarding", "irica", "pr")}

    assert seen == {"fbr": 1, "indus-forwarding": 1, "irica": 0, "pr": 0}


# --- The feed of changes


async def changes(door: Door, party: str = "fbr", **query: Any) -> Any:
    return await door.get("/v1/changes", party, **query)


async def test_the_feed_has_each_case_and_verdict_once_at_its_last_change(door: Door) -> None:
    await door.store.feed([b.a_decision("accept", at=-38, id="a")])
    first = await changes(door)
    await door.store.feed([b.a_decision("review", at=-37, id="v")])

    after = await changes(door, since=first["since"])
    whole = await changes(door)

    assert {d["type"].split(".")[1] for d in first["items"]} == {"case", "decision"}
    assert [d["data"].get("state") for d in after["items"]] == ["DOC_REVIEW"] * 2
    assert len(whole["items"]) == 3
    assert (await changes(door, since=whole["since"]))["items"] == []


async def test_the_feed_is_read_page_by_page(door: Door) -> None:
    await door.store.feed([b.a_decision("accept", at=-38, id="a"), b.a_decision("review", at=-37, id="v")])
    whole, since = (await changes(door))["items"], 0
    found: list[Any] = []
    while page := await changes(door, since=since, limit=1):
        if not page["items"]:
            break
        since, found = page["since"], [*found, *page["items"]]

    assert found == whole


async def test_what_a_feed_has_is_what_the_topic_has(door: Door) -> None:
    await door.store.feed([b.a_decision("accept", at=-38, id="a")])
    rows = await door.store.pool.fetch("SELECT key, body FROM outbox WHERE topic = 'customs-cases-pk' ORDER BY id")

    newest = {row["key"]: json.loads(row["body"]) for row in rows}
    items = (await changes(door))["items"]
    assert sorted((i["data"] for i in items), key=str) == sorted(newest.values(), key=str)


async def test_who_waits_is_told_of_a_change_as_it_comes(door: Door) -> None:
    since = (await changes(door))["since"]
    asking = asyncio.create_task(changes(door, since=since, wait=20))
    await asyncio.sleep(0)

    await door.store.feed([b.a_decision("accept", at=-38, id="a")])

    assert (await asyncio.wait_for(asking, 15))["items"]


@pytest.mark.parametrize("party", ["indus-forwarding", "pr", "operations"])
async def test_changes_are_for_customs_alone(door: Door, party: str) -> None:
    assert (await changes(door, party))["status"] == 403


async def test_the_customs_of_another_country_are_told_nothing_of_a_case(door: Door) -> None:
    assert (await changes(door, "irica"))["items"] == []


async def test_a_change_that_is_committed_late_comes_behind_what_was_read(door: Door) -> None:
    """A number is given to what is committed alone: a slow transaction hides nothing behind a reader's cursor."""
    await door.store.feed([b.a_declaration(SECOND, id="d2")])
    since = (await changes(door))["since"]
    touch = "UPDATE told SET number = NULL WHERE convert_from(body, 'utf8')::jsonb ->> 'about' = $1"
    async with door.store.pool.acquire() as slow, slow.transaction():
        await slow.execute(touch, b.CONSIGNMENT)
        await door.store.pool.execute(touch, SECOND)
        before = await changes(door, since=since)
    after = await changes(door, since=before["since"])

    assert [i["data"]["about"] for i in before["items"]] == [SECOND]
    assert [i["data"]["about"] for i in after["items"]] == [b.CONSIGNMENT]
