"""Fixtures that modules of several folders need, each for the service that it names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest

from deploy.local.stack import Stack
from services.chassis.service.blueprint import Blueprint
from tests.support.pipeline import Line, fresh_line
from tests.support.stores import Store, fresh_store


def store_fixture(blueprint: Callable[[], Blueprint], scope: Literal["module", "session"] = "module") -> Any:
    """A fixture that gives a store of its own to all tests of its scope."""

    @pytest.fixture(scope=scope)
    async def shared_store(stack: Stack) -> AsyncIterator[Store]:
        assert stack.admin_url
        async with fresh_store(stack.admin_url, blueprint()) as store:
            yield store

    return shared_store


def line_fixture(scope: Literal["module", "session"] = "session") -> Any:
    """A fixture that gives the stores of all three services to all tests of its scope."""

    @pytest.fixture(scope=scope)
    async def shared_line(stack: Stack) -> AsyncIterator[Line]:
        assert stack.admin_url
        async with fresh_line(stack.admin_url) as line:
            yield line

    return shared_line
