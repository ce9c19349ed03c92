"""The same reports in a run that nothing disturbs: no Kafka, no copies, no faults, on databases of its own.

Invariant: the services' own code folds them; what it gives is what every other way has to give.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from contracts import topics
from contracts.envelope.codec import Event
from deploy.local.datadir import temporary_directory
from deploy.local.stack import open_stack
from tests.support.pipeline import Line, fresh_line

Pictures = dict[str, dict[str, Any]]

_NO_KAFKA: Final = {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1"}
_ORDER: Final = [name for row in topics.TABLE if row.ingress for name in row.types]


async def undisturbed(events: Sequence[Event], as_of: datetime, admin_url: str | None = None) -> Pictures:
    """The pictures of each service at an instant; without an address a Postgres is started for it."""
    async with fresh_line(admin_url) if admin_url else _line() as line:
        await line.feed(*(event for _, group in _by_topic(events) for event in group))
        await line.step(as_of)
        stores = {"tracking": line.tracking, "customs": line.customs, "notifications": line.notifications}
        return {name: await store.pictures() for name, store in stores.items()}


def _by_topic(events: Sequence[Event]) -> Any:
    """A batch for each topic: the order within it is that in which they were sent."""

    def place(event: Event) -> tuple[int, str]:
        row = next(r for r in topics.TABLE if r.ingress and event.type in r.types)
        return topics.TABLE.index(row), event.source

    return itertools.groupby(sorted(events, key=place), key=place)


@asynccontextmanager
async def _line() -> AsyncIterator[Line]:
    with temporary_directory() as data, open_stack(data, _NO_KAFKA, lambda _: None, fsync=False) as stack:
        assert stack.admin_url
        async with fresh_line(stack.admin_url) as line:
            yield line
