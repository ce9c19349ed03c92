"""Readers of live streams that are cut at random moments and come back for what follows.

Invariant: a reader goes on behind the last event that it has seen whole, at any copy that answers, and drops nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import httpx

PARTIES: Final = ("corridor-control", "pr", "irica")
_HEARD_WITHIN = 40.0
_AGAIN_AFTER = 0.5
_CUT_AFTER = (1.0, 12.0)


class Reader:
    """One party's reader; `items` are what it has seen, in order."""

    def __init__(self, party: str, token: str, urls: Sequence[str], seed: int) -> None:
        self.party = party
        self.items: list[Mapping[str, Any]] = []
        self._headers = {"Authorization": f"Bearer {token}"}
        self._urls = urls
        self._chance = random.Random(f"{seed}/stream/{party}")
        self._last = ""
        self._grown = asyncio.Event()

    async def read(self) -> None:
        """Reads until cancelled."""
        timeout = httpx.Timeout(5.0, read=_HEARD_WITHIN)
        async with httpx.AsyncClient(timeout=timeout, trust_env=False) as http:
            while True:
                try:
                    async with asyncio.timeout(self._chance.uniform(*_CUT_AFTER)):
                        await self._follow(http, self._chance.choice(self._urls))
                except (TimeoutError, httpx.HTTPError):
                    pass
                await asyncio.sleep(_AGAIN_AFTER)

    async def caught_up(self, sequence: int, within: float) -> bool:
        """Whether it sees this number, or a later one, in time."""
        try:
            async with asyncio.timeout(within):
                while int(self._last or 0) < sequence:
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            return False
        return True

    async def _follow(self, http: httpx.AsyncClient, url: str) -> None:
        headers = self._headers | ({"Last-Event-ID": self._last} if self._last else {})
        async with http.stream("GET", f"{url}/v1/stream", headers=headers) as answer:
            answer.raise_for_status()
            async for number, data in _events(answer):
                self.items.append(json.loads(data))
                self._last = number
                self._grown.set()


async def _events(answer: httpx.Response) -> AsyncIterator[tuple[str, str]]:
    """The events that came whole: id and data."""
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "id" in fields and "data" in fields:
            yield fields["id"], fields["data"]
        fields = {}
