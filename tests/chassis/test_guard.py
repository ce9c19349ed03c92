"""Connections that send half of what they should, or take nothing, are closed; others are served meanwhile."""

from __future__ import annotations

import asyncio
import errno
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from services.chassis.http import guard
from tests.support.edges import serving

HALF = b"GET /live HTTP/1.1\r\nHost: x\r\nX-Long: "
WHOLE = b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n"
QUICK = {"header_seconds": 0.5, "body_seconds": 0.5, "taking_seconds": 0.5}


async def answers(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Reads the body where it is asked to, and answers with as much as it is asked for."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/reads":
        while (await receive()).get("more_body"):
            pass
    size = 64 * 1024 * 1024 if scope["path"] == "/large" else 5
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(0, size, 65536):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


@asynccontextmanager
async def connected(
    port: int, sends: bytes = b"", address: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        writer.write(sends)
        yield reader, writer
    finally:
        writer.close()


async def hung_up(reader: asyncio.StreamReader, within: float = 10) -> bytes:
    """What came before the server closed."""
    read = b""
    try:
        while part := await asyncio.wait_for(reader.read(65536), within):
            read += part
    except ConnectionResetError:
        pass
    return read


@pytest.mark.parametrize(
    "sends",
    [b"", HALF, WHOLE + HALF, b"POST /reads HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345"],
    ids=["nothing", "half a request", "half a second request", "half a body"],
)
async def test_who_sends_half_of_it_is_hung_up_on(sends: bytes) -> None:
    async with serving(answers, **QUICK) as port, connected(port, sends) as (reader, _):
        await hung_up(reader)


async def test_who_sends_a_byte_now_and_then_has_no_more_time_for_it() -> None:
    async with serving(answers, **QUICK) as port, connected(port, HALF) as (reader, writer):
        closing = asyncio.create_task(hung_up(reader))
        began = time.monotonic()
        while not closing.done():
            assert time.monotonic() - began < 5
            writer.write(b"x")
            await asyncio.wait({closing}, timeout=0.05)


async def test_who_takes_nothing_of_an_answer_is_hung_up_on() -> None:
    async with (
        serving(answers, **QUICK) as port,
        connected(port, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n") as (reader, _),
    ):
        transport = reader._transport  # type: ignore[attr-defined]
        transport.pause_reading()
        await asyncio.sleep(0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            began = time.monotonic()
            while time.monotonic() - began < 1.5:
                assert (await client.get("/live")).status_code == 200
        transport.resume_reading()
        assert len(await hung_up(reader)) < 64 * 1024 * 1024


async def test_who_goes_on_sending_a_body_that_nobody_reads_is_hung_up_on() -> None:
    head = b"POST /live HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
    async with serving(answers) as port, connected(port, head) as (reader, writer):
        closing = asyncio.create_task(hung_up(reader))
        sent = 0
        while not closing.done():
            assert sent < 64 * 1024 * 1024
            try:
                writer.write(b" " * 65536)
                await asyncio.wait_for(writer.drain(), 5)
            except (ConnectionError, TimeoutError):
                break
            sent += 65536
        assert await asyncio.wait_for(closing, 10)


async def test_who_sends_a_little_too_much_can_read_the_answer() -> None:
    """The connection is not broken off while the rest of such a body comes."""
    async with (
        serving(answers) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):
        assert (await client.post("/live", content=b" " * 5 * 1024 * 1024)).status_code == 200


_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="there is one address on the loopback elsewhere")


@_LINUX
async def test_one_address_does_not_take_all_connections() -> None:
    async with serving(answers, connections=50, connections_per_address=5) as port, _many(port, 5, "127.0.0.2"):
        async with connected(port, WHOLE, "127.0.0.2") as (reader, _):
            told = await hung_up(reader)
        async with connected(port, WHOLE, "127.0.0.3") as (reader, _):
            served = await asyncio.wait_for(reader.read(100), 10)

    assert told.startswith(b"HTTP/1.1 429 ") and b"Retry-After: 5" in told
    assert served.startswith(b"HTTP/1.1 200 ")


@_LINUX
async def test_a_proxy_that_is_trusted_brings_the_connections_of_many() -> None:
    bounds = {"connections": 50, "connections_per_address": 5, "trusted_proxies": {"127.0.0.2"}}
    async with (
        serving(answers, **bounds) as port,
        _many(port, 10, "127.0.0.2"),
        connected(port, WHOLE, "127.0.0.2") as (reader, _),
    ):
        assert (await asyncio.wait_for(reader.read(100), 10)).startswith(b"HTTP/1.1 200 ")


async def test_what_is_beyond_all_connections_is_told_to_come_back() -> None:
    """As soon as the others are hung up on, there is room again."""
    bounds = {"connections": 5, "connections_per_address": 5, "header_seconds": 1}
    with capture_logs() as told:
        async with serving(answers, **bounds) as port, _many(port, 5):
            async with connected(port, WHOLE) as (reader, _):
                refused = await hung_up(reader)
            async with asyncio.timeout(10):
                while not (await _asked(port)).startswith(b"HTTP/1.1 200 "):
                    pass

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert [said["event"] for said in told] == ["connections are turned away"]


async def test_the_server_does_not_say_what_it_is() -> None:
    async with serving(answers) as port, connected(port, WHOLE) as (reader, _):
        assert b"server:" not in (await asyncio.wait_for(reader.read(200), 10)).lower()


def test_half_of_the_descriptors_are_kept_for_the_rest_of_the_process() -> None:
    assert guard.share(1000, 4096) == 1000
    assert guard.share(10_000, 4096) == 1920
    assert guard.share(1000, 1024) == 384
    assert guard.share(1000, 256) == 16


async def test_what_cannot_be_accepted_is_told_once() -> None:
    """The loop tries it again for each connection that waits."""
    loop = asyncio.new_event_loop()
    guard.calm(loop)
    try:
        with capture_logs() as told:
            for _ in range(100):
                full = OSError(errno.EMFILE, "Too many open files")
                loop.call_exception_handler({"message": "socket.accept() out of system resource", "exception": full})
    finally:
        loop.close()

    assert [said["event"] for said in told] == ["no connection can be accepted"]


@asynccontextmanager
async def _many(port: int, count: int, address: str = "127.0.0.1") -> AsyncIterator[None]:
    """So many connections with half a request, which the server has."""
    writers = []
    for _ in range(count):
        _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(HALF)
        writers.append(writer)
    # They were accepted in order, before whoever comes next.
    yield
    for writer in writers:
        writer.close()


async def _asked(port: int) -> bytes:
    async with connected(port, WHOLE) as (reader, _):
        return await asyncio.wait_for(reader.read(100), 10)
