"""The OpenAPI documents say what the services do, and what they do not allow is refused."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.services import SERVICES
from services.chassis.base.clock import machinery_now
from services.chassis.base.parties import digest, save_token
from services.chassis.base.settings import ServiceSettings
from services.chassis.http.openapi import PROBLEM
from services.chassis.service.runtime import Runtime
from services.notifications.api import make_app as notifications_app
from services.tracking.api import make_app
from tests.support.pipeline import runtime_of
from tests.support.stores import Store

SETTINGS = ServiceSettings(
    kafka_bootstrap_servers="nowhere:1", database_url="postgresql://nowhere", http_port=0, copy_name="test"
)


def document_of(service: str) -> dict[str, Any]:
    app = importlib.import_module(f"services.{service}.app")
    api = importlib.import_module(f"services.{service}.api")
    document: dict[str, Any] = api.make_app(Runtime(app.blueprint(), SETTINGS)).openapi()
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def references(value: Any) -> Iterator[str]:
    """Every `$ref` below a value."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from references(child)


@pytest.mark.parametrize("service", SERVICES)
def test_every_failure_is_documented_as_a_problem(service: str) -> None:
    for name, operation in operations(document_of(service)):
        failures = {s: r for s, r in operation["responses"].items() if s >= "400" and name != "get /ready"}
        assert {PROBLEM} == {kind for r in failures.values() for kind in r["content"]} or not failures, name
        if "security" in operation:
            assert {"401", "422", "503"} <= set(failures), name


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_refers_to_nothing_that_it_does_not_have(service: str) -> None:
    document = document_of(service)

    assert {r.removeprefix("#/components/schemas/") for r in references(document)} <= set(
        document["components"]["schemas"]
    )


@pytest.mark.parametrize("service", ["tracking", "customs"])
def test_the_document_says_what_a_report_is(service: str) -> None:
    body = document_of(service)["paths"]["/v1/events"]["post"]["requestBody"]

    assert set(body["content"]) == {
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/json",
    }


@asynccontextmanager
async def asking(app: FastAPI, store: Store) -> AsyncIterator[httpx.AsyncClient]:
    """Operations, asking this app."""
    async with store.pool.acquire() as connection:
        await save_token(connection, "operations", "test", digest("token-operations"), machinery_now())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://tracking") as client:
        client.headers["Authorization"] = "Bearer token-operations"
        yield client


@pytest.fixture
async def client(store: Store) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(make_app(runtime_of(store)), store) as client:
        yield client


@pytest.mark.servers
@pytest.mark.parametrize(
    "path",
    [
        f"/ops/dead-letters/{2**63}",
        f"/ops/dead-letters?id={2**63}",
        "/ops/dead-letters?id=-1",
        "/ops/dead-letters/counts?party=a%00b",
        "/ops/dead-letters?topic=%00",
        "/ops/dead-letters?reason=%00",
        "/v1/receipts?id=a%00b",
        f"/v1/receipts?after={2**63}",
        "/v1/subjects/run?after=%00",
        "/v1/subjects/run?known_at=0.5",
        "/v1/subjects/run?known_at=2026-06-22T10:00:00",
    ],
)
async def test_what_no_store_can_take_is_refused(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


@pytest.mark.servers
@pytest.mark.parametrize("filter", [{"party": "\x00"}, {"ids": [2**63]}, {"resolved": 0}, {"since": 5}])
async def test_a_filter_is_taken_as_it_is_or_not_at_all(client: httpx.AsyncClient, filter: dict[str, Any]) -> None:
    answer = await client.post("/ops/dead-letters/replay", json={"filter": filter})

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)


@pytest.mark.servers
async def test_a_replay_is_dry_unless_asked_otherwise_in_so_many_words(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ops/dead-letters/replay", json={"filter": {}, "dry_run": 0})

    assert answer.status_code == 422


@pytest.mark.servers
async def test_an_action_on_dead_letters_names_its_own_method(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ops/dead-letters/replay")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.servers
@pytest.mark.parametrize("path", ["/ops/clock", "/ops/dead-letters/replay"])
async def test_beside_the_page_an_address_of_the_api_answers_for_its_own_methods(store: Store, path: str) -> None:
    async with asking(notifications_app(runtime_of(store)), store) as client:
        answer = await client.get(path)
        page = await client.get("/")

    assert (answer.status_code, answer.headers.get("allow"), page.status_code) == (405, "POST", 200)
