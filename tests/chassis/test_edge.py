"""What a request meets before anything of it is parsed: sizes, tokens, rights, budgets; and what every answer says."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from contracts.envelope import codec
from contracts.envelope.codec import Event
from services.chassis.base import tokens
from services.chassis.base.clock import machinery_now
from services.chassis.base.parties import digest
from services.chassis.http.edge import LARGEST_OPERATION, LARGEST_OTHER, LARGEST_REPORTS
from services.tracking.api import make_app
from tests.support import builders as b
from tests.support.edges import asking, bearer, give_budget, give_tokens, send_in_pieces
from tests.support.pipeline import runtime_of
from tests.support.stores import Store

pytestmark = pytest.mark.servers

PARTIES = ("operations", "pr", "rzd")
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def app(store: Store) -> FastAPI:
    await store.pool.execute("DELETE FROM token")
    await give_tokens(store, PARTIES)
    for party in PARTIES:
        await give_budget(store, party)
    return make_app(runtime_of(store))


# --- Bodies


@pytest.mark.parametrize("path", ["/ops/clock", "/ops/dead-letters/replay", "/ops/dead-letters/discard", "/v1/events"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}])
async def test_nothing_of_a_body_is_read_before_it_is_known_who_asks(
    app: FastAPI, path: str, headers: dict[str, str]
) -> None:
    sent = await send_in_pieces(app, path, b" " * 65536, 10_000, JSON | headers)

    assert (sent.status, sent.pieces) == (401, 0)


@pytest.mark.parametrize(
    ("path", "party", "limit"),
    [
        ("/ops/clock", "operations", LARGEST_OPERATION),
        ("/ops/dead-letters/replay", "operations", LARGEST_OPERATION),
        ("/v1/events", "pr", LARGEST_REPORTS),
        ("/v1/nowhere", "pr", LARGEST_OTHER),
        ("/live", "pr", LARGEST_OTHER),
    ],
)
async def test_a_body_is_not_read_beyond_its_limit(app: FastAPI, path: str, party: str, limit: int) -> None:
    """Whoever sends it, and however little was said of its size."""
    kind = {"Content-Type": "application/cloudevents-batch+json"}
    sent = await send_in_pieces(app, path, b" " * 4096, 10_000, kind | bearer(party))

    assert sent.pieces <= limit // 4096 + 1
    assert sent.status in (404, 405, 413)


@pytest.mark.parametrize("length", [str(LARGEST_OPERATION + 1), "9" * 30, "-1", "x"])
async def test_a_body_that_is_said_to_be_too_large_is_refused_unread(app: FastAPI, length: str) -> None:
    said = JSON | bearer("operations") | {"Content-Length": length}

    sent = await send_in_pieces(app, "/ops/clock", b" ", 10, said)

    assert (sent.status, sent.pieces) == (413, 0)


async def test_a_packed_body_is_not_unpacked(app: FastAPI) -> None:
    sent = await send_in_pieces(app, "/v1/events", b"x", 1, JSON | bearer("pr") | {"Content-Encoding": "gzip"})

    assert (sent.status, sent.pieces) == (415, 0)


async def test_a_deep_body_is_refused(app: FastAPI) -> None:
    async with asking(app) as client:
        deep = b'{"filter": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"
        answer = await client.post("/ops/dead-letters/replay", content=deep, headers=JSON | bearer("operations"))

    assert answer.status_code in (400, 422)


# --- Who asks


@pytest.mark.parametrize("path", ["/v1/receipts", "/ops/state", "/metrics", "/openapi.json"])
async def test_a_token_in_an_address_opens_nothing(app: FastAPI, path: str) -> None:
    async with asking(app) as client:
        answer = await client.get(path, params={"token": "token-of-operations"})

    assert answer.status_code == 401


async def test_what_tells_of_parties_and_queues_is_for_operations(app: FastAPI) -> None:
    async with asking(app) as client:
        for path in ("/metrics", "/ops/ready", "/ops/state"):
            statuses = [(await client.get(path, headers=h)).status_code for h in ({}, bearer("pr"))]
            answer = await client.get(path, headers=bearer("operations"))
            assert (path, statuses, answer.status_code) == (path, [401, 403], 200)
        assert (await client.get("/openapi.json")).status_code == 401
        assert (await client.get("/openapi.json", headers=bearer("pr"))).status_code == 200


async def test_a_load_balancer_is_told_up_or_down_and_no_more(app: FastAPI) -> None:
    async with asking(app) as client:
        assert (await client.get("/live")).json() == {"status": "live"}
        assert (await client.get("/ready")).json() == {"ready": False}


@pytest.mark.parametrize(
    ("scopes", "statuses"),
    [(["read"], [200, 403, 403]), (["report"], [403, 415, 403]), (["operate"], [403, 403, 200])],
)
async def test_a_token_is_good_for_its_scopes_alone(
    store: Store, app: FastAPI, scopes: list[str], statuses: list[int]
) -> None:
    await store.pool.execute("UPDATE token SET scopes = $1 WHERE party = 'operations'", scopes)
    async with asking(app) as client:
        client.headers.update(bearer("operations"))
        answers = [await client.get("/v1/receipts"), await client.post("/v1/events"), await client.get("/metrics")]

    assert [a.status_code for a in answers] == statuses


async def test_a_token_ends_at_its_time(store: Store, app: FastAPI) -> None:
    over = machinery_now() - timedelta(seconds=1)
    await store.pool.execute("UPDATE token SET expires_at = $1 WHERE party = 'pr'", over)
    async with asking(app) as client:
        assert (await client.get("/v1/receipts", headers=bearer("pr"))).status_code == 401


async def test_a_token_that_is_revoked_ends_within_seconds(store: Store, app: FastAPI) -> None:
    async with asking(app) as client:
        assert (await client.get("/v1/receipts", headers=bearer("pr"))).status_code == 200
        async with store.pool.acquire() as connection:
            assert await tokens.revoke(connection, "pr", None) == ["test"]
        revoked_at = time.monotonic()
        while (await client.get("/v1/receipts", headers=bearer("pr"))).status_code == 200:
            assert time.monotonic() - revoked_at < 5
            await asyncio.sleep(0.05)


async def test_two_tokens_of_a_party_are_good_side_by_side(store: Store, app: FastAPI) -> None:
    async with store.pool.acquire() as connection:
        await tokens.issue(connection, "pr", "next", digest("the next"), ["read"], None)
        await tokens.expire_others(connection, "pr", "next", machinery_now() + timedelta(hours=1))
    async with asking(app) as client:
        for token in ("token-of-pr", "the next"):
            answer = await client.get("/v1/receipts", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


async def test_who_guesses_is_slowed_and_told_of_without_the_token(
    app: FastAPI,
) -> None:
    """Others at the same address who were known before go on, and so does everybody at another."""
    with capture_logs() as told:
        async with asking(app, "10.0.0.9") as client, asking(app, "10.0.0.8") as other:
            assert (await client.get("/v1/receipts", headers=bearer("pr"))).status_code == 200
            guesses = [
                client.get("/v1/receipts", headers={"Authorization": f"Bearer secret-guess-{n}"}) for n in range(60)
            ]
            answers = await asyncio.gather(*guesses)
            assert {a.status_code for a in answers} == {401, 429}
            assert all("retry-after" in a.headers for a in answers if a.status_code == 429)
            assert (await client.get("/v1/receipts", headers=bearer("pr"))).status_code == 200
            assert (await other.get("/v1/receipts", headers=bearer("rzd"))).status_code == 200
    assert [said["event"] for said in told] == ["tokens were refused"]
    assert "10.0.0.9" in told[0]["addresses"]
    assert "secret-guess" not in repr(told)


async def test_a_wrong_token_costs_the_store_one_question(store: Store, app: FastAPI) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    async with asking(app) as client:
        await client.get("/v1/receipts", headers=wrong)
        await store.pool.execute("ALTER TABLE token RENAME TO token_away")
        try:
            assert (await client.get("/v1/receipts", headers=wrong)).status_code == 401
        finally:
            await store.pool.execute("ALTER TABLE token_away RENAME TO token")


# --- What it costs


async def test_who_asks_too_often_is_told_when_to_come_back(store: Store, app: FastAPI) -> None:
    """The others are not touched by it."""
    await give_budget(store, "pr", requests_a_minute=20)
    async with asking(app) as client:
        answers = await asyncio.gather(*(client.get("/v1/receipts", headers=bearer("pr")) for _ in range(12)))
        assert (await client.get("/v1/receipts", headers=bearer("rzd"))).status_code == 200

    refused = [a for a in answers if a.status_code == 429]
    assert 6 <= len(refused) <= 8
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)
    assert {a.json()["problems"][0]["reason"] for a in refused} == {"over_budget"}


async def test_a_large_answer_counts_as_many_requests(store: Store, app: FastAPI) -> None:
    await give_budget(store, "pr", requests_a_minute=60)

    @app.get("/v1/large")
    async def large() -> str:
        return "x" * 3_000_000

    async with asking(app) as client:
        statuses = [(await client.get("/v1/large", headers=bearer("pr"))).status_code for _ in range(2)]

    assert statuses == [200, 429]


async def test_only_so_many_requests_of_a_party_are_in_flight(store: Store, app: FastAPI) -> None:
    await give_budget(store, "pr", requests_in_flight=2)
    begun, go = asyncio.Semaphore(0), asyncio.Event()

    @app.post("/v1/slow")
    async def slow() -> None:
        begun.release()
        await go.wait()

    async with asking(app) as client:
        first = [asyncio.create_task(client.post("/v1/slow", headers=bearer("pr"))) for _ in range(2)]
        for _ in first:
            await asyncio.wait_for(begun.acquire(), 10)
        third = await client.post("/v1/slow", headers=bearer("pr"))
        other = asyncio.create_task(client.post("/v1/slow", headers=bearer("rzd")))
        go.set()
        statuses = [answer.status_code for answer in await asyncio.gather(*first, other)]

    assert (third.status_code, statuses) == (429, [200, 200, 200])


async def test_reports_are_counted_one_by_one(store: Store, app: FastAPI) -> None:
    """Also those of one batch: it is let in while anything is left, and the next one waits for what it took."""
    await give_budget(store, "pr", reports_a_minute=60)
    batch = [_document(b.a_plan(f"train:pr/B{n}/2026-06-22", id=f"plan-{n}")) for n in range(30)]
    kind = {"Content-Type": "application/cloudevents-batch+json"} | bearer("pr")
    async with asking(app) as client:
        answers = [await client.post("/v1/events", json=batch, headers=kind) for _ in range(2)]

    # There is no broker here.
    assert [a.status_code for a in answers] == [503, 429]
    assert int(answers[1].headers["retry-after"]) > 10


def _document(event: Event) -> dict[str, Any]:
    return codec.structured(
        id=event.id, source=event.source, type=event.type, subject=event.subject, data=json.loads(event.body)
    )


# --- What every answer says


@pytest.mark.parametrize(
    ("path", "status"), [("/live", 200), ("/v1/receipts", 401), ("/nowhere", 404), ("/v1/broken", 500)]
)
async def test_every_answer_tells_browsers_and_caches_to_keep_out(app: FastAPI, path: str, status: int) -> None:
    @app.get("/v1/broken")
    async def broken() -> None:
        raise ValueError("ours")

    async with asking(app) as client:
        answer = await client.get(path, headers=bearer("pr") if status == 500 else {})

    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_no_redirect_is_made_of_what_the_caller_calls_the_host(app: FastAPI) -> None:
    async with asking(app) as client:
        for path in ("/v1/receipts/", "/live/", "/ops/state/"):
            answer = await client.get(path, headers=bearer("operations") | {"Host": "evil.example"})
            assert (answer.status_code, answer.headers.get("location")) == (404, None)


async def test_another_origin_is_not_let_in(app: FastAPI) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    async with asking(app) as client:
        answer = await client.options("/v1/events", headers=asked)

    assert answer.status_code >= 400
    assert "access-control-allow-origin" not in answer.headers


async def test_a_browser_is_told_to_keep_to_tls_where_there_is_tls(app: FastAPI) -> None:
    async with asking(app) as client:
        assert "strict-transport-security" not in (await client.get("http://edge/live")).headers
        assert "strict-transport-security" in (await client.get("https://edge/live")).headers
