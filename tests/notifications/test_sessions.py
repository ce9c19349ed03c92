"""A browser signs in with a token once; its session may only read, can be used by no other site, and ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.stack import Stack
from services.chassis.base import tokens
from services.chassis.base.clock import machinery_now
from services.notifications.api import make_app
from services.notifications.app import blueprint
from tests.support.edges import asking, bearer, give_tokens
from tests.support.pipeline import runtime_of
from tests.support.stores import Store, fresh_store

pytestmark = pytest.mark.servers

CONTROL, RAI = "corridor-control", "rai"


@pytest.fixture(scope="module")
async def store(stack: Stack) -> AsyncIterator[Store]:
    assert stack.admin_url
    async with fresh_store(stack.admin_url, blueprint()) as store:
        yield store


@pytest.fixture
async def app(store: Store) -> FastAPI:
    await store.pool.execute("DELETE FROM token")
    await give_tokens(store, (CONTROL, RAI, "operations"))
    return make_app(runtime_of(store))


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app) as client:
        yield client


async def signed_in(browser: httpx.AsyncClient, party: str = CONTROL) -> dict[str, str]:
    """The header that names the session; the cookie is the browser's."""
    answer = await browser.post("/v1/session", headers=bearer(party))
    assert answer.status_code == 200
    return {"Corridor-Session": answer.json()["session"]}


async def party_of(browser: httpx.AsyncClient, headers: dict[str, str]) -> str | None:
    answer = await browser.get("/v1/me", headers=headers)
    return str(answer.json()["party"]) if answer.status_code == 200 else None


async def test_a_session_reads_as_its_party(browser: httpx.AsyncClient) -> None:
    assert await party_of(browser, await signed_in(browser)) == CONTROL


async def test_its_cookie_is_for_no_script_and_no_other_site(app: FastAPI, browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/v1/session", headers=bearer(CONTROL))
    said = answer.headers["set-cookie"].lower().replace(" ", "").split(";")

    assert {"httponly", "samesite=strict", "path=/"} <= set(said)
    assert "secure" not in said
    assert not set(browser.cookies.values()) & set(answer.text.split('"'))
    async with asking(app) as other:
        over_tls = await other.post("https://edge/v1/session", headers=bearer(CONTROL))
    assert "; secure" in over_tls.headers["set-cookie"].lower()


async def test_the_cookie_alone_is_nothing(browser: httpx.AsyncClient) -> None:
    """A page of another site can have it sent, and cannot send the header."""
    await signed_in(browser)

    assert await party_of(browser, {}) is None
    assert (await browser.delete("/v1/session")).status_code == 401


async def test_a_name_without_its_cookie_is_nothing(app: FastAPI, browser: httpx.AsyncClient) -> None:
    named = await signed_in(browser)

    async with asking(app) as other:
        assert await party_of(other, named) is None


async def test_parties_are_signed_in_side_by_side(browser: httpx.AsyncClient) -> None:
    control, rai = await signed_in(browser), await signed_in(browser, RAI)

    assert [await party_of(browser, named) for named in (control, rai, control)] == [CONTROL, RAI, CONTROL]


async def test_a_link_that_is_opened_again_goes_on_with_its_session(browser: httpx.AsyncClient) -> None:
    assert await signed_in(browser) == await signed_in(browser)


async def test_a_session_operates_nothing(browser: httpx.AsyncClient) -> None:
    named = await signed_in(browser, "operations")

    assert (await browser.get("/ops/state", headers=named)).status_code == 403
    assert (await browser.get("/ops/state", headers=bearer("operations"))).status_code == 200


async def test_a_session_ends_when_it_is_left(browser: httpx.AsyncClient) -> None:
    named = await signed_in(browser)
    cookies = dict(browser.cookies)

    assert (await browser.delete("/v1/session", headers=named)).status_code == 204
    assert not browser.cookies
    browser.cookies.update(cookies)
    assert await party_of(browser, named) is None


@pytest.mark.parametrize("how", ["revoked", "over"])
async def test_a_session_ends_with_its_token(store: Store, app: FastAPI, how: str) -> None:
    async with asking(app) as browser:
        named = await signed_in(browser)
        cookies = dict(browser.cookies)
    async with store.pool.acquire() as connection:
        if how == "revoked":
            await tokens.revoke(connection, CONTROL, "test")
        else:
            await tokens.expire_others(connection, CONTROL, "", machinery_now() - timedelta(seconds=1))

    # Another copy, which has not heard of it before.
    async with asking(make_app(runtime_of(store))) as browser:
        browser.cookies.update(cookies)
        assert await party_of(browser, named) is None


async def test_a_session_lasts_as_long_as_it_is_used_and_its_token_lasts(
    store: Store, browser: httpx.AsyncClient
) -> None:
    named = await signed_in(browser)
    await store.pool.execute("UPDATE token SET expires_at = $1 WHERE parent IS NOT NULL", soon(60))

    renewed = await browser.post("/v1/session", headers=named)
    assert datetime.fromisoformat(renewed.json()["expires_at"]) > soon(3600)
    await store.pool.execute("UPDATE token SET expires_at = $1 WHERE parent IS NULL", soon(600))
    renewed = await browser.post("/v1/session", headers=named)
    assert datetime.fromisoformat(renewed.json()["expires_at"]) <= soon(600)
    assert await party_of(browser, named) == CONTROL


async def test_a_token_has_so_many_sessions_and_no_more(store: Store, app: FastAPI) -> None:
    for _ in range(60):
        async with asking(app) as browser:
            await signed_in(browser)

    assert await store.pool.fetchval("SELECT count(*) FROM token WHERE parent IS NOT NULL") == 50


async def test_a_token_that_may_not_read_opens_no_session(store: Store, browser: httpx.AsyncClient) -> None:
    await store.pool.execute("UPDATE token SET scopes = '{report}' WHERE party = $1", CONTROL)

    assert (await browser.post("/v1/session", headers=bearer(CONTROL))).status_code == 403


async def test_the_page_may_load_its_own_files_and_nothing_else(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/")

    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert (page.headers["x-content-type-options"], page.headers["cache-control"]) == ("nosniff", "no-cache")


def soon(seconds: float) -> datetime:
    return machinery_now() + timedelta(seconds=seconds)
