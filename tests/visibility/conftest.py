"""Fixtures of this folder: the stores of the three services, and their doors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.doors import Doors, opened
from tests.support.fixtures import line_fixture
from tests.support.pipeline import Line, emptied

shared_line = line_fixture("module")


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)


@pytest.fixture
async def doors(line: Line) -> AsyncIterator[Doors]:
    async with opened(line) as doors:
        yield doors
