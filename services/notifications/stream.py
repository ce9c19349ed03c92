"""The live streams of the parties' feeds (server-sent events).

Invariant: every item once, in order of its number, from the cursor on; an event's id is the cursor behind it, so
that a reader that comes back with `Last-Event-ID` misses nothing. The store is asked once for a party and commit,
however many read; what is kept in memory for them is bounded. A stream ends soon after its token does.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
from fastapi.sse import ServerSentEvent

from services.chassis.base.errors import is_transient
from services.chassis.base.pace import Pace, until
from services.chassis.service.runtime import Runtime
from services.notifications.feeds import read_cursor, read_feed

PAGE: Final = 500
# Readers further behind ask the store for themselves.
_KEPT: Final = 1000
_POLL_SECONDS: Final = 0.5
_PACE_SECONDS: Final = 0.02
_ASK_TOKEN_SECONDS: Final = 3.0
# Who takes longer for one item than this is told so and comes back; who takes nothing at all is hung up on.
_SLOW_SECONDS: Final = 10.0
_RETRY_MILLISECONDS: Final = 2000

Item = dict[str, Any]


class Channel:
    """The newest items of one party, for all who read its streams; `start` is the cursor before the first."""

    def __init__(self, party: str, start: int) -> None:
        self.party = party
        self.start = self.head = start
        self.readers = 0
        self.ended = False
        self.grown = asyncio.Event()
        self._items: list[Item] = []

    def add(self, items: Sequence[Item]) -> None:
        """Takes items behind the last."""
        self._items += items
        self.head = items[-1]["sequence"]
        for dropped in self._items[:-_KEPT]:
            self.start = dropped["sequence"]
        del self._items[:-_KEPT]
        self._tell()

    def end(self) -> None:
        """Nothing more comes."""
        self.ended = True
        self._tell()

    def behind(self, cursor: int) -> list[Item] | None:
        """Items behind a cursor, a page of them; None for a cursor from before what is kept."""
        if cursor < self.start:
            return None
        # Most readers are at the end, or nearly.
        first = len(self._items)
        while first and self._items[first - 1]["sequence"] > cursor:
            first -= 1
        return self._items[first : first + PAGE]

    def _tell(self) -> None:
        grown, self.grown = self.grown, asyncio.Event()
        grown.set()


class Channels:
    """The channels of the parties that anybody reads; each asks the store on behalf of its readers."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: dict[str, tuple[Channel, asyncio.Task[None]]] = {}

    async def join(self, party: str) -> Channel:
        """The party's channel, with one reader more; raises what the store raises."""
        if party not in self._open:
            start = await read_cursor(self._runtime.store, party)
            # Another reader may have been first while this one waited.
            if party not in self._open:
                channel = Channel(party, start)
                self._open[party] = channel, asyncio.create_task(self._run(channel))
        channel, _ = self._open[party]
        channel.readers += 1
        return channel

    def leave(self, channel: Channel) -> None:
        """One reader less; the last one closes it."""
        channel.readers -= 1
        if channel.readers == 0:
            self._close(channel)

    def _close(self, channel: Channel) -> None:
        known = self._open.get(channel.party)
        if known is not None and known[0] is channel:
            del self._open[channel.party]
            known[1].cancel()

    async def _run(self, channel: Channel) -> None:
        pace = Pace(_PACE_SECONDS)
        try:
            while not self._runtime.is_stopping():
                await pace.keep()
                commit = self._runtime.next_commit
                items = await read_feed(self._runtime.store, channel.party, channel.head, PAGE)
                if items:
                    channel.add(items)
                if len(items) < PAGE:
                    await until(commit, _POLL_SECONDS)
        except Exception as failure:
            if not is_transient(failure):
                raise
        finally:
            if self._open.get(channel.party, (None,))[0] is channel:
                del self._open[channel.party]
            channel.end()


async def follow(
    channels: Channels, runtime: Runtime, party: str, after: int, is_valid: Callable[[], Awaitable[bool]]
) -> AsyncIterator[ServerSentEvent]:
    """The items behind a cursor, and those to come, until the token, the service or its store goes away."""
    yield ServerSentEvent(comment="open", retry=_RETRY_MILLISECONDS)
    try:
        channel = await channels.join(party)
        try:
            async for event in _read(channel, runtime, after, is_valid):
                yield event
        finally:
            channels.leave(channel)
    except Exception as failure:
        if not is_transient(failure):
            raise


async def _read(
    channel: Channel, runtime: Runtime, after: int, is_valid: Callable[[], Awaitable[bool]]
) -> AsyncIterator[ServerSentEvent]:
    asked_at = time.monotonic()
    while True:
        grown = channel.grown
        items = channel.behind(after)
        if items is None:
            start = channel.start
            items = await read_feed(runtime.store, channel.party, after, PAGE)
            if not items:
                # What was there has been taken away by age.
                after = start
        for item in items:
            began = time.monotonic()
            after = item["sequence"]
            yield ServerSentEvent(raw_data=orjson.dumps(item).decode(), event="item", id=str(after))
            if time.monotonic() - began > _SLOW_SECONDS:
                yield _ended("too_slow")
                return
        if time.monotonic() - asked_at >= _ASK_TOKEN_SECONDS:
            if not await is_valid():
                yield _ended("token_ended")
                return
            asked_at = time.monotonic()
        if not items:
            if channel.ended:
                return
            await until(grown, _ASK_TOKEN_SECONDS)


def _ended(reason: str) -> ServerSentEvent:
    """Says why the stream ends: `too_slow` for who may come back, `token_ended` for who may not."""
    return ServerSentEvent(raw_data=orjson.dumps({"reason": reason}).decode(), event="ended")
