"""The state machine of the delivery path finds each guard that is taken away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase

from deploy.local.stack import Stack
from services.chassis.ingest import facts, positions
from services.chassis.outbox import relay
from services.chassis.outbox.relay import Relay
from services.chassis.outbox.sender import Sender
from services.chassis.queue import fold_queue
from services.notifications import feeds
from tests.chassis.test_protocol import play

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(900)]


def head_check_off(patch: pytest.MonkeyPatch) -> None:
    """A revision that is known is taken as if it were new."""
    whole = facts._insert_events

    async def inserted(connection: Any, records: list[Any], at: Any) -> list[Any]:
        await whole(connection, records, at)
        return list(records)

    patch.setattr(facts, "_is_known", lambda *_: False)
    patch.setattr(facts, "_insert_events", inserted)


def fence_off(patch: pytest.MonkeyPatch) -> None:
    """The position moves from wherever it is."""
    patch.setattr(
        positions, "_ADVANCE", positions._ADVANCE.replace("p.next_offset = u.expected", "u.expected IS NOT NULL")
    )

    async def recheck(_: Any) -> list[Any]:
        return []

    patch.setattr(positions.Positions, "recheck", recheck)


def early_delete(patch: pytest.MonkeyPatch) -> None:
    """The relay forgets rows before they are acknowledged."""

    async def send_page(self: Relay, sender: Sender) -> int:
        rows = await self._pool.fetch(relay._PAGE, sorted(self.held), relay.PAGE)
        await self._delete(rows, 0)
        await sender.send(rows)
        return len(rows)

    patch.setattr(Relay, "send_page", send_page)


def no_expansion(patch: pytest.MonkeyPatch) -> None:
    """What others read of a subject is not handed on."""

    async def nobody(*_: Any) -> dict[str, fold_queue.QueueRow]:
        return {}

    patch.setattr(fold_queue, "dependents", nobody)


def chain_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Feeds do not know their last number."""
    patch.setattr(feeds, "_ADVANCE", "SELECT $1::text[], $2::bigint[]")


@pytest.mark.parametrize("mutation", [head_check_off, fence_off, early_delete, no_expansion, chain_forgotten])
def test_a_guard_that_is_gone_is_missed(
    stack: Stack, mutation: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stack.admin_url
    mutation(monkeypatch)

    with pytest.raises((AssertionError, ExceptionGroup)):
        play(stack.admin_url, 200, phases=[Phase.generate], report_multiple_bugs=False, database=None)
