"""A tracking store for the tests of the chassis: one database for each module, empty for each test."""

from __future__ import annotations

import pytest

from services.tracking.app import blueprint
from tests.support.fixtures import store_fixture
from tests.support.pipeline import cleared
from tests.support.stores import Store

shared_store = store_fixture(blueprint)


@pytest.fixture
async def store(shared_store: Store) -> Store:
    return await cleared(shared_store)
