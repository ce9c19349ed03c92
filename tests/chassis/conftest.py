"""A tracking store for the tests of the chassis: one database for each module, empty for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from deploy.local.stack import Stack
from services.tracking.app import blueprint
from tests.support.pipeline import cleared
from tests.support.stores import Store, fresh_store


@pytest.fixture(scope="module")
async def shared_store(stack: Stack) -> AsyncIterator[Store]:
    assert stack.admin_url
    async with fresh_store(stack.admin_url, blueprint()) as store:
        yield store


@pytest.fixture
async def store(shared_store: Store) -> Store:
    return await cleared(shared_store)
