"""Tracking over HTTP: reports in, receipts, subjects and timelines out, problems that say what is wrong."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from contracts.envelope import codec
from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.support.system import System, running_system, until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(["tracking"], settings={"SEND_TIMEOUT_SECONDS": "2"}) as system:
        yield system


@pytest.fixture
async def client(system: System) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=system.services.url("tracking"), trust_env=False, timeout=30) as client:
        yield client


def document(event: Event, **changed: Any) -> dict[str, Any]:
    shown = codec.structured(
        id=event.id, source=event.source, type=event.type, subject=event.subject, data=json.loads(event.body)
    )
    return shown | changed


async def post(
    client: httpx.AsyncClient, system: System, body: Any, party: str | None = "pr", kind: str = codec.STRUCTURED
) -> httpx.Response:
    headers = {"Content-Type": kind} | (system.headers(party) if party else {})
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post("/v1/events", content=content, headers=headers)


async def receipts(client: httpx.AsyncClient, system: System, event_id: str, party: str = "pr") -> list[dict[str, Any]]:
    answer = await client.get("/v1/receipts", params={"id": event_id}, headers=system.headers(party))
    return list(answer.json()["items"])


async def test_a_report_is_taken_answered_and_shown(client: httpx.AsyncClient, system: System) -> None:
    train = "train:pr/API1/2026-06-22"
    for event in (b.a_plan(train, id="api-plan"), b.a_milestone("DEPA", train, at=1, id="api-dep")):
        answer = await post(client, system, document(event))
        assert (answer.status_code, answer.json()) == (202, {"taken": [{"source": event.source, "id": event.id}]})

    await system.settled()

    shown = (await client.get("/v1/subjects/train/pr/API1/2026-06-22", headers=system.headers("pr"))).json()
    assert (shown["status"], shown["latest"]["code"]) == ("in_transit", "DEPA")
    assert [r["outcome"] for r in await receipts(client, system, "api-dep")] == ["accepted"]


async def test_binary_mode_carries_the_attributes_in_headers(client: httpx.AsyncClient, system: System) -> None:
    event = b.a_plan("train:pr/API2/2026-06-22", id="api binary/1")
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": "api%20binary/1",
        "ce-source": event.source,
        "ce-type": event.type,
        "ce-subject": event.subject,
    }

    answer = await client.post(
        "/v1/events",
        content=event.body,
        headers=attributes | {"Content-Type": "application/json"} | system.headers("pr"),
    )
    await system.settled()

    assert answer.status_code == 202
    assert [r["outcome"] for r in await receipts(client, system, "api binary/1")] == ["accepted"]


async def test_of_a_batch_with_a_bad_event_nothing_is_taken(client: httpx.AsyncClient, system: System) -> None:
    good, bad = b.a_plan("train:pr/API3/2026-06-22", id="batch-good"), b.a_milestone("DEPA", id="batch-bad")
    wrong = document(bad)
    wrong["data"]["occurred_at"] = "2026-06-22T10:00:00"

    answer = await post(client, system, [document(good), wrong], kind=codec.BATCH)
    await system.settled()

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    (problem,) = answer.json()["problems"]
    assert (problem["path"], problem["reason"]) == ("$[1].data.occurred_at", "time_without_offset")
    assert await receipts(client, system, "batch-good") == []


async def test_a_batch_is_taken_whole(client: httpx.AsyncClient, system: System) -> None:
    events = [b.a_plan(f"train:pr/API4-{n}/2026-06-22", id=f"whole-{n}") for n in range(20)]

    answer = await post(client, system, [document(e) for e in events], kind=codec.BATCH)
    await system.settled()

    assert answer.status_code == 202
    rows = await system.rows("tracking", "SELECT event_id FROM event WHERE event_id LIKE 'whole-%'")
    assert len(rows) == 20


BAD: list[tuple[str, Any, str, str | None, int, str, str]] = [
    ("not_json", b"{", codec.STRUCTURED, "pr", 400, "not_json", "$"),
    ("check_digit", {"subject": "container:CSQU3054384"}, codec.STRUCTURED, "pr", 422, "check_digit", "$.subject"),
    ("unknown_type", {"type": "corridor.weather.v1"}, codec.STRUCTURED, "pr", 422, "unknown_type", "$.type"),
    ("another_party", {"source": "urn:corridor:ktz:ops"}, codec.STRUCTURED, "pr", 403, "not_entitled", "$.source"),
    ("not_its_type", {}, codec.STRUCTURED, "ravi-textiles", 403, "not_entitled", "$.source"),
    ("too_large", {"x": "y" * 300_000}, codec.STRUCTURED, "pr", 413, "too_large", "$"),
    ("no_version", {"specversion": "0.3"}, codec.STRUCTURED, "pr", 422, "bad_envelope", "$.specversion"),
]


@pytest.mark.parametrize(
    ("body", "kind", "party", "status", "reason", "path"), [t[1:] for t in BAD], ids=[t[0] for t in BAD]
)
async def test_a_bad_report_is_a_problem_with_path_and_reason(
    client: httpx.AsyncClient,
    system: System,
    body: Any,
    kind: str,
    party: str,
    status: int,
    reason: str,
    path: str,
) -> None:
    sent = body if isinstance(body, bytes) else document(b.a_milestone("DEPA"), **body)

    answer = await post(client, system, sent, party, kind)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()["problems"][0]
    assert (problem["reason"], problem["path"]) == (reason, path)


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic cHI6cHI="])
async def test_without_a_valid_token_nothing_is_taken_or_shown(
    client: httpx.AsyncClient, authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    for method, path in (
        ("POST", "/v1/events"),
        ("GET", "/v1/receipts"),
        ("GET", "/v1/subjects/train/pr/X/2026-01-01"),
    ):
        answer = await client.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_content_type_is_not_supported(client: httpx.AsyncClient, system: System) -> None:
    answer = await post(client, system, b"a;b", kind="text/csv")

    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert [p["reason"] for p in answer.json()["problems"]] == ["bad_header"]


async def test_a_party_of_the_cargo_reads_its_own_consignments_only(client: httpx.AsyncClient, system: System) -> None:
    mine = b.a_booking([b.container(31)], "consignment:indus-forwarding/OWN", id="own", parties=[RAVI])
    other = b.a_booking([b.container(32)], "consignment:volga-logistics/NOT", id="not", party="volga-logistics")
    await system.send(mine, other)
    await system.settled()

    found = {
        path: (await client.get(f"/v1/subjects/{path}", headers=system.headers("ravi-textiles"))).status_code
        for path in ("consignment/indus-forwarding/OWN", "consignment/volga-logistics/NOT", "train")
    }

    assert list(found.values()) == [200, 404, 403]


RAVI = {"party": "ravi-textiles", "role": "shipper"}


async def test_a_timeline_shows_every_revision(client: httpx.AsyncClient, system: System) -> None:
    train = "train:pr/API5/2026-06-22"
    await system.send(
        b.a_plan(train, id="tl-plan"),
        b.a_milestone("DEPA", train, at=1, id="tl"),
        b.a_milestone("DEPA", train, at=2, id="tl", updated_at=b.hours(5)),
    )
    await system.settled()

    answer = await client.get("/v1/subjects/train/pr/API5/2026-06-22/timeline", headers=system.headers("pr"))

    revisions = [(r["id"], r["data"].get("occurred_at")) for r in answer.json()["revisions"]]
    assert revisions == [("tl-plan", None), ("tl", b.hours(1)), ("tl", b.hours(2))]


async def test_what_the_router_has_to_refuse_is_a_problem_too(client: httpx.AsyncClient, system: System) -> None:
    answers = [await client.get("/nowhere"), await client.delete("/v1/events", headers=system.headers("pr"))]

    assert [(a.status_code, a.headers["content-type"]) for a in answers] == [
        (404, "application/problem+json"),
        (405, "application/problem+json"),
    ]


async def test_an_event_with_its_attributes_inside_is_told_its_content_type(
    client: httpx.AsyncClient, system: System
) -> None:
    event = b.a_plan("train:pr/API9/2026-06-22")
    body = codec.structured_body(
        codec.structured(id="x", source=event.source, type=event.type, subject=event.subject, data={})
    )
    headers = system.headers("pr") | {"content-type": "application/json"}

    answer = await client.post("/v1/events", content=body, headers=headers)

    assert answer.json()["problems"][0]["detail"] == (
        "an event with its attributes inside is application/cloudevents+json"
    )


async def test_what_nobody_knows_is_not_found(client: httpx.AsyncClient, system: System) -> None:
    for path in ("container/CSQU3054383", "container/CSQU3054384", "ship/X"):
        answer = await client.get(f"/v1/subjects/{path}", headers=system.headers("pr"))
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_only_operations_may_look_at_the_machinery(client: httpx.AsyncClient, system: System) -> None:
    statuses = [(await client.get("/ops/state", headers=system.headers(p))).status_code for p in ("operations", "pr")]

    assert statuses == [200, 403]


async def test_the_clock_of_a_system_on_real_time_cannot_be_set(client: httpx.AsyncClient, system: System) -> None:
    answer = await client.post(
        "/ops/clock", json={"instant": "2026-01-01T00:00:00Z"}, headers=system.headers("operations")
    )

    assert answer.status_code == 403


async def test_metrics_tell_what_was_consumed_and_refused(client: httpx.AsyncClient, system: System) -> None:
    await system.send(b.a_plan("train:pr/API6/2026-06-22", id="metric"))
    await system.settled()

    text = (await client.get("/metrics", headers=system.headers("operations"))).text

    assert 'corridor_consumed_total{outcome="fresh",service="tracking",stream="milestones"}' in text


async def test_the_openapi_document_is_served(client: httpx.AsyncClient, system: System) -> None:
    document = (await client.get("/openapi.json", headers=system.headers("pr"))).json()

    assert {"/v1/events", "/v1/receipts", "/v1/subjects/{kind}"} <= set(document["paths"])


async def test_while_the_broker_is_away_a_report_is_answered_503_and_can_be_sent_again(
    client: httpx.AsyncClient, system: System
) -> None:
    event = document(b.a_plan("train:pr/API7/2026-06-22", id="again"))
    assert system.stack.kafka is not None
    system.stack.kafka.kill()
    try:
        answer = await post(client, system, event)
    finally:
        system.stack.kafka.start()

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"

    async def taken() -> bool:
        return (await post(client, system, event)).status_code == 202

    await until(taken, 60, "the broker's return")
    await system.settled()
    outcomes = {r["outcome"] for r in await receipts(client, system, "again")}
    assert "accepted" in outcomes <= {"accepted", "repeat"}
