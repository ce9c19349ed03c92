"""A broker that says which requests it knows, and of brokers that there are none."""

from __future__ import annotations

import asyncio

_API_VERSIONS, _METADATA = 18, 3


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Answers one request; whether there was one."""
    size = await reader.read(4)
    if not size:
        return False
    request = await reader.readexactly(int.from_bytes(size))
    known = b"".join(key.to_bytes(2) + bytes(4) for key in (_METADATA, _API_VERSIONS))
    versions = bytes(2) + (2).to_bytes(4) + known
    body = request[4:8] + (versions if int.from_bytes(request[:2]) == _API_VERSIONS else bytes(8))
    writer.write(len(body).to_bytes(4) + body)
    return True
