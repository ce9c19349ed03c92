"""Limits on HTTP connections: how many there may be, and how long each may take.

Invariant: HTTP never uses the descriptors that Postgres and Kafka need, and one address never uses all connections. A
connection that does not send its request or take its answer in time is closed.
"""

import asyncio
import contextlib
import errno
import resource
import socket
import struct
from collections import Counter
from http import HTTPStatus
from typing import Any, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.chassis.base.settings import ServiceSettings
from services.chassis.base.telemetry import Seldom

log = structlog.get_logger(__name__)

# Closing the socket discards unsent bytes (SO_LINGER with timeout 0).
_NO_LINGER: Final = struct.pack("ii", 1, 0)
# Descriptors for everything but HTTP: pools, Kafka's connections, files.
_RESERVED: Final = 256
# Bytes of a refused body that we still take, so that its sender can read the refusal.
_LEFT_OVER: Final = 8 * 1024 * 1024
_OUT_OF: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Crowd:
    """Counts the open connections by address."""

    def __init__(self, bounds: ServiceSettings, most: int) -> None:
        self.bounds = bounds
        self._most = most
        self._open: Counter[str] = Counter()
        self._seldom = Seldom()

    def enter(self, address: str) -> int | None:
        """Admits a connection (None), or returns the status that refuses it: 429 or 503."""
        status = self._refusal(address)
        if status is None:
            self._open[address] += 1
        elif count := self._seldom.again():
            log.warning("connections are turned away", address=address, count=count, open=self._open.total())
        return status

    def leave(self, address: str) -> None:
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]

    def _refusal(self, address: str) -> int | None:
        if self._open.total() >= self._most:
            return 503
        full = self._open[address] >= self.bounds.http_connections_per_address
        return 429 if full and address not in self.bounds.http_trusted_proxies else None


class Guarded(H11Protocol):
    """uvicorn's protocol with limits; `protocol` derives the class for one server."""

    crowd: Crowd
    _address: str | None = None
    _phase = ""
    _left_over = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        address = self.client[0] if self.client else ""
        status = self.crowd.enter(address)
        if status is not None:
            transport.write(_TURNED_AWAY[status])
            transport.close()
            return
        self._address = address
        self._restart_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._address is not None:
            self.crowd.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._address is None:
            return
        if self._is_answered() and self.conn.their_state is h11.SEND_BODY:
            self._left_over += len(data)
            if self._left_over > _LEFT_OVER:
                self._cut()
                return
        super().data_received(data)
        self._restart_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._restart_timer()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cut_after("taking", self.crowd.bounds.http_taking_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cut_after("taking", None)

    def _cut_after(self, timer: str, seconds: float | None) -> None:
        """Starts a timer that closes the connection; None stops the timer."""
        if timer in self._timers:
            self._timers.pop(timer).cancel()
        if seconds is not None:
            self._timers[timer] = self.loop.call_later(seconds, self._cut)

    def _cut(self) -> None:
        """Closes the connection at once, and discards bytes that its peer has not taken."""
        own = self.transport.get_extra_info("socket")
        if own is not None:
            with contextlib.suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def _is_answered(self) -> bool:
        return self.cycle is not None and self.cycle.response_complete

    def _restart_timer(self) -> None:
        """Starts the timer of the phase that the connection is in; an unchanged phase keeps its timer."""
        phase = self._current_phase()
        if phase == self._phase:
            return
        self._phase = phase
        bounds = self.crowd.bounds
        self._cut_after("sending", {"request": bounds.http_header_seconds, "body": bounds.http_body_seconds}.get(phase))

    def _current_phase(self) -> str:
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        return "request" if self.cycle is None or self._is_answered() else "answer"


def protocol(bounds: ServiceSettings, connections: int) -> type[Guarded]:
    """The protocol class of one server with at most so many connections; trusted proxies have no limit by address."""
    return type("Protocol", (Guarded,), {"crowd": Crowd(bounds, connections)})


def raise_descriptors() -> int:
    """Raises the soft limit on descriptors to the hard one; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 2**20
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 65536)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def share(wanted: int, descriptors: int) -> int:
    """How many connections HTTP may have: at most half of the descriptors that are not reserved."""
    return max(16, min(wanted, (descriptors - _RESERVED) // 2))


def calm(loop: asyncio.AbstractEventLoop) -> None:
    """Makes the loop log a failing `accept` now and then, instead of thousands of times a second."""
    seldom = Seldom()

    def tell(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failure = context.get("exception")
        if not (isinstance(failure, OSError) and failure.errno in _OUT_OF):
            loop.default_exception_handler(context)
        elif seldom.again():
            log.error("no connection can be accepted", failure=repr(failure))

    loop.set_exception_handler(tell)


def _turned_away(status: HTTPStatus) -> bytes:
    body = f'{{"type":"about:blank","title":"{status.phrase}","status":{status},"detail":"too many connections"}}'
    head = (
        f"HTTP/1.1 {status} {status.phrase}",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Retry-After: 5",
        "Connection: close",
    )
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


_TURNED_AWAY: Final = {status: _turned_away(HTTPStatus(status)) for status in (429, 503)}
