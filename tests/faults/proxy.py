"""What stands between one service and one server: a TCP proxy whose connections can be made to fail.

Invariant: bytes that are passed on keep their order. What was swallowed is never followed by what came later:
such a connection is cut when the link is mended.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from deploy.local.ports import LOOPBACK, free_port

_CHUNK = 64 * 1024
_SLOW_CHUNK = 1024
_CONNECT_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a link while it is not mended."""

    delay: float = 0.0
    bytes_per_second: float | None = None
    swallows: bool = False


class Link:
    """One service's way to one server, under an address of its own."""

    def __init__(self, service: str, server: str, server_port: int, port: int | None = None) -> None:
        self.service = service
        self.server = server
        self.port = port or free_port()
        self._server_port = server_port
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._trouble = Trouble()

    @property
    def name(self) -> str:
        return f"{self.service}>{self.server}"

    async def open(self) -> None:
        """Listens, unless it does so already."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def close(self) -> None:
        """Refuses new connections and cuts those that there are."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self.cut()

    async def cut(self) -> None:
        """Resets every connection."""
        cut = list(self._connections)
        for connection in cut:
            connection.cancel()
        await asyncio.gather(*cut, return_exceptions=True)

    def worsen(self, trouble: Trouble) -> None:
        """From now on, for old and new connections."""
        self._trouble = trouble

    async def mend(self) -> None:
        """As it was."""
        swallowed, self._trouble = self._trouble.swallows, Trouble()
        if swallowed:
            await self.cut()
        await self.open()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._trouble.swallows:
                while await reader.read(_CHUNK):
                    pass
                await asyncio.Event().wait()
            await self._join(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both ways, until either end is done."""
        async with asyncio.timeout(_CONNECT_WITHIN):
            server_reader, server_writer = await asyncio.open_connection(LOOPBACK, self._server_port)
        ways = [
            asyncio.ensure_future(self._pump(reader, server_writer)),
            asyncio.ensure_future(self._pump(server_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            server_writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_SLOW_CHUNK if self._trouble.bytes_per_second else _CHUNK):
                trouble = self._trouble
                if trouble.delay:
                    await asyncio.sleep(trouble.delay)
                if trouble.bytes_per_second:
                    await asyncio.sleep(len(chunk) / trouble.bytes_per_second)
                if not self._trouble.swallows:
                    writer.write(chunk)
                    await writer.drain()
