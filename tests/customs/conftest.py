"""Stores for the tests of customs: its own, and the line from tracking's reports to its announcements."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from services.customs.app import blueprint
from tests.support.fixtures import store_fixture
from tests.support.pipeline import Line, cleared, emptied, fresh_line
from tests.support.stores import Store

shared_store = store_fixture(blueprint, "session")


@pytest.fixture
async def store(shared_store: Store) -> Store:
    return await cleared(shared_store)


@pytest.fixture(scope="session")
async def shared_line(stack: Stack) -> AsyncIterator[Line]:
    assert stack.admin_url
    async with fresh_line(stack.admin_url) as line:
        yield line


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)
