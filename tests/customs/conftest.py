"""Stores for the tests of customs: its own, and the line from tracking's reports to its announcements."""

from __future__ import annotations

import pytest

from services.customs.app import blueprint
from tests.support.fixtures import line_fixture, store_fixture
from tests.support.pipeline import Line, cleared, emptied
from tests.support.stores import Store

shared_store = store_fixture(blueprint, "session")
shared_line = line_fixture()


@pytest.fixture
async def store(shared_store: Store) -> Store:
    return await cleared(shared_store)


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)
