"""The live stream of a party's feed (server-sent events).

Invariant: every item once, in order of its number, from the cursor on; an event's id is the cursor behind it, so
that a reader that comes back with `Last-Event-ID` misses nothing.
"""

from collections.abc import AsyncIterator

import orjson
from fastapi.sse import ServerSentEvent

from services.chassis.errors import passes
from services.chassis.pace import until
from services.chassis.runtime import Runtime
from services.notifications.store import read_feed

PAGE = 500
_POLL_SECONDS = 0.5
_RETRY_MILLISECONDS = 2000


async def follow(runtime: Runtime, party: str, after: int) -> AsyncIterator[ServerSentEvent]:
    """The items behind a cursor, and those to come, until the service stops or its store goes away."""
    yield ServerSentEvent(comment="open", retry=_RETRY_MILLISECONDS)
    while not runtime.is_stopping():
        commit = runtime.next_commit
        try:
            items = await read_feed(runtime.store, party, after, PAGE)
        except Exception as failure:
            if not passes(failure):
                raise
            return
        for item in items:
            after = item["sequence"]
            yield ServerSentEvent(raw_data=orjson.dumps(item).decode(), event="item", id=str(after))
        if len(items) < PAGE:
            await until(commit, _POLL_SECONDS)
