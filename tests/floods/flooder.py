"""`python -m tests.floods.flooder KIND URL TOKEN COUNT`: one flood over HTTP, until its standard input ends.

It prints `flooding` when all of it is under way, and at its end one JSON object: how many answers of each status there
were. It is a process of its own, so that what it takes is not taken from whoever measures.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx

# Another address on this host, as another host would have one.
ADDRESS: Final = "127.0.0.2"
_AGAIN_AFTER: Final = 0.05

Flood = Callable[[httpx.AsyncClient, str, int, Counter[str]], Awaitable[None]]


async def streams(client: httpx.AsyncClient, token: str, number: int, seen: Counter[str]) -> None:
    """Opens a stream and reads it; comes back at once when it is refused."""
    async with client.stream("GET", "/v1/stream", headers={"Authorization": f"Bearer {token}"}) as answer:
        seen[str(answer.status_code)] += 1
        if answer.status_code == 200:
            async for _ in answer.aiter_raw():
                pass


async def reads(client: httpx.AsyncClient, token: str, number: int, seen: Counter[str]) -> None:
    """Asks for the largest answer that there is."""
    answer = await client.get("/v1/overview?limit=5000", headers={"Authorization": f"Bearer {token}"})
    seen[str(answer.status_code)] += 1


async def guesses(client: httpx.AsyncClient, token: str, number: int, seen: Counter[str]) -> None:
    """Tries another token each time."""
    wrong = f"{token}-{number}-{seen.total()}"
    answer = await client.get("/v1/feed", headers={"Authorization": f"Bearer {wrong}"})
    seen[str(answer.status_code)] += 1


async def halves(client: httpx.AsyncClient, token: str, number: int, seen: Counter[str]) -> None:
    """Begins a request and never ends it; connects again when it is hung up on."""
    address = urlsplit(str(client.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(ADDRESS, 0))
    try:
        writer.write(b"GET /v1/feed HTTP/1.1\r\nHost: x\r\nX-Long: ")
        first = await reader.read(12)
        seen[first[9:12].decode() or "hung up"] += 1
    finally:
        writer.close()


FLOODS: Final[dict[str, Flood]] = {"streams": streams, "reads": reads, "guesses": guesses, "halves": halves}


async def main(kind: str, url: str, token: str, count: int) -> None:
    """Floods with so many at once."""
    seen: Counter[str] = Counter()
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESS, limits=httpx.Limits(max_connections=count))
    async with httpx.AsyncClient(base_url=url, transport=transport, trust_env=False, timeout=60) as client:

        async def again(number: int) -> None:
            while True:
                try:
                    await FLOODS[kind](client, token, number, seen)
                except (httpx.HTTPError, OSError):
                    seen["broken"] += 1
                await asyncio.sleep(_AGAIN_AFTER)

        flooding = [asyncio.create_task(again(number)) for number in range(count)]
        await asyncio.sleep(1)
        print("flooding", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for one in flooding:
            one.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
