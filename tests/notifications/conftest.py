"""Fixtures of the dashboard's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import NoBrowser, running_browser


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for a module."""
    try:
        async with running_browser() as one:
            yield one
    except NoBrowser as missing:
        pytest.fail(str(missing))
