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
