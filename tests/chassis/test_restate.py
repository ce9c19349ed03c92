"""A store that was put back says everything once more, under versions beyond all that it may have said before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.chassis.restate import Restate
from tests.support import builders as b
from tests.support.stores import Store

pytestmark = pytest.mark.servers


def looking(store: Store) -> Restate:
    return Restate(store.pool, store.settler)


async def said(store: Store) -> list[dict[str, Any]]:
    """What was published of the train, oldest first."""
    return [json.loads(o["body"]) for o in await store.rows("outbox") if o["ce_subject"] == b.TRAIN]


async def put_back(store: Store) -> None:
    """Gives the store the mark that it had before."""
    await store.pool.execute("UPDATE store_mark SET value = 1")


async def test_each_entity_gets_a_new_version_of_the_same_data(store: Store) -> None:
    await store.feed([b.a_consist()])
    copy = looking(store)
    await copy.look()
    await put_back(store)

    assert await copy.look()
    await store.settle()

    before, after = await said(store)
    assert after["version"] > before["version"]
    stamps = {"version", "previous_version", "recorded_at", "as_of", "redrawn"}
    assert {k: v for k, v in after.items() if k not in stamps} == {k: v for k, v in before.items() if k not in stamps}
    assert (after["previous_version"], after["redrawn"]) == (before["version"], True)


async def test_one_copy_notices_and_no_other(store: Store) -> None:
    first, second = looking(store), looking(store)
    await first.look()
    await second.look()
    await put_back(store)

    assert [await second.look(), await first.look(), await second.look()] == [True, False, False]


async def test_a_store_that_was_not_put_back_says_nothing_again(store: Store) -> None:
    await store.feed([b.a_consist()])
    copy = looking(store)

    assert [await copy.look() for _ in range(3)] == [False] * 3
    assert await store.rows("unsettled") == []
