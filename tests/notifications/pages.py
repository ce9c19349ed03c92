"""The dashboard's pages for tests: opened as a party, watched to the end, and what is looked for on them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, Locator, Page, expect

from tests.support.browser import Watched, watched_page
from tests.support.system import System

CONTROL = "corridor-control"


@asynccontextmanager
async def opened(
    system: System, browser: Browser, view: str = "#/shipments", party: str = CONTROL, **options: Any
) -> AsyncIterator[Watched]:
    """The page as a party, live; at the end nothing may have gone wrong on it."""
    url = system.services.url("notifications")
    async with watched_page(browser, url, **{"viewport": {"width": 1440, "height": 900}, **options}) as watched:
        await watched.page.goto(f"{url}/#token={system.tokens[party]}{view[1:]}")
        await expect(phase(watched.page)).to_have_attribute("data-phase", "live")
        yield watched
        assert watched.errors == []
        assert watched.strangers == []


def phase(page: Page) -> Locator:
    return page.locator(".connection")


def row(page: Page, subject: str) -> Locator:
    return page.locator(f'tbody tr[data-key="{subject}"]')


def page_of(subject: str) -> str:
    """The address of a subject's page."""
    return "#/subjects/" + subject.replace(":", "/", 1)


async def show(page: Page, view: str) -> None:
    """Goes to a view, and waits until there is something on it."""
    await page.evaluate("view => { location.hash = view; }", view)
    await expect(page.locator("main h1")).to_be_visible()
    await expect(page.locator("tbody tr, .item, .fact").first).to_be_visible()
