"""The live stream of a party's items, as server-sent events over HTTP/1.1.

Invariant: items in the order of their numbers, from the moment at which the reader came.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

import asyncpg

from tests.bench.floor import store

_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n: open\n\n"


class Source(Protocol):
    """What the stream reads: a store, and a signal that it has grown."""

    pool: asyncpg.Pool[asyncpg.Record]
    grown: asyncio.Event


async def serve(source: Source, port: int) -> None:
    """Answers every request on the loopback port with the feed of the party that is its path, until cancelled."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            party = head.split(b" ")[1].decode().strip("/")
            await _tell(source, party, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the reader has left
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


async def _tell(source: Source, party: str, writer: asyncio.StreamWriter) -> None:
    last = await store.last_item(source.pool)
    writer.write(_HEAD)
    while True:
        await writer.drain()
        grown = source.grown
        if rows := await store.feed(source.pool, party, last):
            last = rows[-1]["id"]
            writer.write(b"".join(b"id: %d\ndata: %s\n\n" % (row["id"], row["body"]) for row in rows))
        else:
            await grown.wait()
