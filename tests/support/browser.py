"""A real browser for tests: one that is installed, or Playwright's own, with a page that tells of its troubles.

Invariant: nothing is downloaded; where there is no browser the test fails and says what to install.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_APPS: Final = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
# A sandbox needs rights that containers do not give; the rest keeps the browser from talking to anybody.
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
_MISSING: Final = (
    "no browser was found: install Chromium or Google Chrome (Debian: apt-get install chromium; macOS: "
    "brew install --cask google-chrome), or run `playwright install chromium`; CORRIDOR_NO_BROWSER=1 leaves these "
    "tests out"
)
# Generous, since browser, servers and services may share two cores with other work.
_WITHIN: Final = 20_000
NO_BROWSER: Final = pytest.mark.skipif(
    os.environ.get("CORRIDOR_NO_BROWSER") == "1", reason="CORRIDOR_NO_BROWSER is set: nothing is known of the page"
)


class NoBrowser(Exception):
    """There is no browser; the message says what to install."""


def _program(own: str) -> str:
    """An installed browser, or Playwright's own; raises `NoBrowser`."""
    on_path = (shutil.which(name) for name in _NAMES)
    found = next((program for program in (*on_path, *_APPS, own) if program and Path(program).exists()), None)
    if found is None:
        raise NoBrowser(_MISSING)
    return found


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """A browser without a window; raises `NoBrowser`."""
    expect.set_options(timeout=_WITHIN)
    async with async_playwright() as playwright:
        program = _program(playwright.chromium.executable_path)
        browser = await playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Watched:
    """A page and what it did that it should not: errors on its console, and requests to other hosts."""

    page: Page
    host: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Leaves out what has been told so far, as after a failure that was made on purpose."""
        self.errors.clear()


@asynccontextmanager
async def watched_page(browser: Browser, url: str, **options: Any) -> AsyncIterator[Watched]:
    """A page in a context of its own that is about to open `url`; `options` are those of a context."""
    context = await browser.new_context(**options)
    try:
        watched = Watched(await context.new_page(), urlsplit(url).netloc)
        watched.page.set_default_timeout(_WITHIN)
        watched.page.on("console", lambda message: _hear(watched, message))
        watched.page.on("pageerror", lambda failure: watched.errors.append(str(failure)))
        watched.page.on("request", lambda request: _note(watched, request))
        yield watched
    finally:
        await context.close()


def _hear(watched: Watched, message: ConsoleMessage) -> None:
    """Notes an error or a warning of the console, and of which address it speaks."""
    if message.type in ("error", "warning"):
        watched.errors.append(f"{message.text} {message.location.get('url', '')}".strip())


def _note(watched: Watched, request: Request) -> None:
    address = urlsplit(request.url)
    if address.scheme in ("data", "blob"):
        return
    watched.addresses.append(request.url)
    if address.netloc != watched.host:
        watched.strangers.append(request.url)
