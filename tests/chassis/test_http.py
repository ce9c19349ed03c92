"""How an API answers when what stands behind it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.chassis.base.settings import ServiceSettings
from services.chassis.service.app import new_app
from services.chassis.service.runtime import Runtime
from services.tracking.app import blueprint

ASKING = {"Authorization": "Bearer any"}


@pytest.fixture
def app() -> FastAPI:
    """The API of a service that has not reached its servers yet."""
    settings = ServiceSettings(
        kafka_bootstrap_servers="nowhere:1", database_url="postgresql://nowhere", http_port=0, copy_name="early"
    )
    return new_app(Runtime(blueprint(), settings), "early")


def asks(app: FastAPI, *, raises: bool) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=raises)
    return httpx.AsyncClient(transport=transport, base_url="http://early", headers=ASKING)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Raises what the server would log with a traceback."""
    async with asks(app, raises=True) as client:
        yield client


def is_to_be_asked_again(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (503, "5", 503)


async def test_who_asks_before_the_store_was_reached_is_to_ask_again(client: httpx.AsyncClient) -> None:
    assert is_to_be_asked_again(await client.get("/ops/state"))


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
    ],
    ids=repr,
)
async def test_whoever_is_answered_by_a_server_that_is_away_is_to_ask_again(
    app: FastAPI, client: httpx.AsyncClient, failure: Exception
) -> None:
    @app.get("/failing")
    async def fails() -> None:
        raise failure

    assert is_to_be_asked_again(await client.get("/failing"))


@pytest.mark.parametrize(
    "failure", [ValueError("ours"), asyncpg.DataError("ours"), asyncpg.UndefinedTableError("ours")]
)
async def test_a_failure_of_our_own_is_a_500_that_does_not_say_what_it_was(app: FastAPI, failure: Exception) -> None:
    @app.get("/failing")
    async def fails() -> None:
        raise failure

    async with asks(app, raises=False) as client:
        answer = await client.get("/failing")

    assert (answer.status_code, "ours" in answer.text) == (500, False)
