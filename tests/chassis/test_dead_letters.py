"""Dead letters as work: what may be seen of them, replayed, discarded, and who did it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from contracts.events.fields import utc_text
from deploy.local.stack import Stack
from services.chassis.base.clock import machinery_now
from services.chassis.dead_letters import letters
from services.chassis.dead_letters.letters import TRIES, Filter
from services.chassis.dead_letters.replay import Replayer, Report
from services.chassis.service import progress
from services.tracking.api import make_app
from tests.support import builders as b
from tests.support.broken import TOPIC, breaking, quarantined
from tests.support.edges import asking, bearer, give_tokens
from tests.support.pipeline import runtime_of
from tests.support.stores import Store, fresh_store

pytestmark = pytest.mark.servers
ALL = Filter()


def replayer(store: Store) -> Replayer:
    return Replayer(store.blueprint.name, store.blueprint.streams, lambda: store.pool, store.clock, store.book)


async def test_what_a_bug_had_put_aside_takes_effect_when_it_is_replayed(store: Store) -> None:
    await quarantined(store, "a")

    report = await replayer(store).replay(ALL, "anna", dry_run=False)

    assert (report.found, dict(report.outcomes), report.failed) == (1, {"accepted": 1}, [])
    await store.settle()
    assert b.TRAIN in await store.pictures()
    assert [r["outcome"] for r in await store.rows("receipt")] == ["refused", "accepted"]
    (dead,) = await store.rows("dead_letter")
    assert dead["resolution"] == "replayed"


async def test_a_dry_run_says_what_would_become_and_leaves_no_trace(store: Store) -> None:
    await quarantined(store, "a")
    before = [await store.rows(table) for table in ("event", "receipt", "dead_letter", "outbox", "fold_queue")]

    report = await replayer(store).replay(ALL, "anna", dry_run=True)

    assert dict(report.outcomes) == {"accepted": 1}
    assert [await store.rows(t) for t in ("event", "receipt", "dead_letter", "outbox", "fold_queue")] == before
    assert await store.rows("dead_letter_action") == []


async def test_a_replay_of_what_has_come_again_since_is_a_repeat(store: Store) -> None:
    await quarantined(store, "a")
    await store.take([b.record_of(b.a_plan(id="a"), TOPIC, 1)])

    report = await replayer(store).replay(ALL, "anna", dry_run=False)

    assert dict(report.outcomes) == {"repeat": 1}
    assert len(await store.rows("event")) == 1


async def test_what_is_still_wrong_stays_with_its_reason_and_is_not_answered_again(store: Store) -> None:
    await store.take([b.a_record(TOPIC, 0, (), b"{")])
    before = await store.rows("receipt")

    report = await replayer(store).replay(ALL, "anna", dry_run=False)

    (dead,) = await store.rows("dead_letter")
    assert report.failed == [{"id": dead["id"], "reason": dead["reason"], "detail": dead["detail"]}]
    assert (dead["resolution"], dead["attempts"]) == (None, 1)
    assert await store.rows("receipt") == before


async def test_what_fails_again_and_again_is_only_tried_for_who_insists(store: Store) -> None:
    await quarantined(store, "a")
    broken = replayer(breaking(store, lambda event: True))
    for _ in range(TRIES):
        assert dict((await broken.replay(ALL, "anna", dry_run=False)).outcomes) == {"quarantined": 1}

    left_alone = await broken.replay(ALL, "anna", dry_run=False)
    insisted = await replayer(store).replay(ALL, "anna", dry_run=False, again=True)

    assert (left_alone.found, dict(insisted.outcomes)) == (0, {"accepted": 1})


async def test_the_filter_chooses(store: Store) -> None:
    await quarantined(store, "a", "b")
    await store.take([b.a_record("milestones-ktz", 0, (), b"{")])

    report = await replayer(store).replay(Filter(party="pr", reason="quarantined"), "anna", dry_run=True)

    assert report.found == 2
    assert {(c["reason"], c["party"], c["number"]) for c in await letters.counted(store.pool, ALL)} == {
        ("quarantined", "pr", 2),
        ("not_json", "ktz", 1),
    }


async def test_a_discarded_one_is_no_longer_listed_and_its_bytes_stay(store: Store) -> None:
    await quarantined(store, "a")
    waiting = (await progress.read(store.pool, machinery_now())).counts["dead_letters"]

    report = await replayer(store).discard(ALL, "anna", "sent again by telephone")

    assert dict(report.outcomes) == {"discarded": 1}
    assert await letters.listed(store.pool, ALL) == []
    assert (waiting, (await progress.read(store.pool, machinery_now())).counts["dead_letters"]) == (1, 0)
    (dead,) = await letters.listed(store.pool, Filter(resolved=True))
    whole: Any = await letters.shown(store.pool, dead["id"])
    assert whole["body"] == b.a_plan(id="a").body.decode()
    assert whole["last_action"]["reason"] == "sent again by telephone"


async def test_who_did_what_is_on_record(store: Store) -> None:
    await quarantined(store, "a", "b")
    wanted = Filter(reason="quarantined")

    await replayer(store).replay(wanted, "anna", dry_run=False)
    await replayer(store).discard(wanted, "boris", "nothing is left")

    told = [
        (r["by"], r["action"], r["filter"], r["found"], r["resolved"]) for r in await store.rows("dead_letter_action")
    ]
    assert told == [
        ("anna", "replay", '{"reason": "quarantined"}', 2, 2),
        ("boris", "discard", '{"reason": "quarantined"}', 0, 0),
    ]


async def test_the_record_is_replayed_byte_for_byte(store: Store) -> None:
    headers = [("ce_id", b"%41\xff"), ("x", None)]
    await store.take([b.a_record(TOPIC, 0, headers, b"\x00\xff", None)])

    (row,) = await store.pool.fetch("SELECT * FROM dead_letter")
    record = letters.dead_of(row).record

    assert (list(record.headers), record.value, record.key) == (headers, b"\x00\xff", None)


async def test_a_record_of_our_own_topics_is_replayed_as_what_it_is(stack: Stack) -> None:
    from services.customs.app import blueprint as customs

    assert stack.admin_url
    async with fresh_store(stack.admin_url, customs()) as store:
        await store.take([b.a_record("tracking-events", 0, (), b"{")])
        report: Report = await replayer(store).replay(ALL, "anna", dry_run=False)
        assert [f["reason"] for f in report.failed] == ["bad_envelope"]
        assert await store.rows("receipt") == []


@asynccontextmanager
async def asked_by_operations(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service's HTTP API with a token of operations."""
    await give_tokens(store, ("operations", "pr"))
    async with asking(make_app(runtime_of(store)), raises=True) as client:
        client.headers.update(bearer("operations"))
        yield client


async def test_operations_work_on_them_over_http_and_nobody_else(store: Store) -> None:
    await quarantined(store, "a")
    async with asked_by_operations(store) as client:
        (item,) = (await client.get("/ops/dead-letters")).json()["items"]
        whole = (await client.get(f"/ops/dead-letters/{item['id']}")).json()
        dry = (await client.post("/ops/dead-letters/replay", json={"filter": {"ids": [item["id"]]}})).json()
        wet = (await client.post("/ops/dead-letters/replay", json={"filter": {}, "dry_run": False})).json()
        actions = (await client.get("/ops/dead-letters/actions")).json()["actions"]
        client.headers.update(bearer("pr"))
        refused = await client.post("/ops/dead-letters/replay", json={"filter": {}, "dry_run": False})

    assert (item["reason"], whole["body"]) == ("quarantined", b.a_plan(id="a").body.decode())
    assert (dry["dry_run"], dry["outcomes"]) == (True, {"accepted": 1})
    assert (wet["dry_run"], wet["outcomes"]) == (False, {"accepted": 1})
    assert [a["by"] for a in actions] == ["operations"]
    assert refused.status_code == 403


async def ids_in(store: Store) -> list[int]:
    return [row["id"] for row in await store.rows("dead_letter")]


async def test_who_works_with_a_token_of_operations_says_who_it_is(store: Store) -> None:
    await quarantined(store, "a", "b")
    async with asked_by_operations(store) as client:
        for id, by in zip(await ids_in(store), ({"by": "anna"}, {}), strict=True):
            asked = {"filter": {"ids": [id]}, "reason": "sent again by telephone", **by}
            assert (await client.post("/ops/dead-letters/discard", json=asked)).json()["found"] == 1
        actions = (await client.get("/ops/dead-letters/actions")).json()["actions"]

    assert [a["by"] for a in actions] == ["operations", "operations/anna"]


async def test_those_of_a_time_can_be_asked_for(store: Store) -> None:
    await quarantined(store, "a", "b")
    first, second = await ids_in(store)
    earlier = "UPDATE dead_letter SET recorded_at = recorded_at - interval '1 day' WHERE id = $1"
    await store.pool.execute(earlier, first)
    noon = utc_text(await store.pool.fetchval("SELECT min(recorded_at) + interval '12 hours' FROM dead_letter"))
    async with asked_by_operations(store) as client:
        found = {}
        for bound in ("since", "until"):
            listed = (await client.get("/ops/dead-letters", params={bound: noon})).json()["items"]
            found[bound] = [item["id"] for item in listed]
        asked = {"filter": {"until": noon}, "dry_run": False}
        replayed = (await client.post("/ops/dead-letters/replay", json=asked)).json()

    assert found == {"since": [second], "until": [first]}
    assert replayed["found"] == 1
