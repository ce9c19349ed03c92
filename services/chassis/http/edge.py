"""The edge of every HTTP API: each request passes here before any of it is parsed.

Invariant: the caller is authenticated before a body is read, and a body is never read beyond its limit. A party spends
its own budget only. Every answer, also to a refusal or a failure, has the headers that restrict browsers and caches.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import nullcontext
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.envelope.codec import BATCH
from contracts.refusal import Problem
from contracts.topics import MAX_INCOMING
from services.chassis.base.budgets import Meter, OverBudget
from services.chassis.base.database import asked_over_http
from services.chassis.base.tokens import Scope as Right
from services.chassis.http.callers import CALLER, Caller, Callers
from services.chassis.http.problems import ProblemError, answer_of, problem_of

log = structlog.get_logger(__name__)

LARGEST_REPORTS: Final = 4 * 1024 * 1024
LARGEST_OPERATION: Final = 64 * 1024
LARGEST_OTHER: Final = 4 * 1024
# A party over its budget waits for the answer, so that repeating a request at once gains nothing.
_REFUSED_AFTER_SECONDS: Final = 1.0
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TLS_FOR: Final = "max-age=31536000"


class _Answer:
    """Sends an answer with the headers that every answer has, and counts its bytes."""

    def __init__(self, send: Send, *, tls: bool) -> None:
        self._send = send
        self._headers = _HEADERS | ({"Strict-Transport-Security": _TLS_FOR} if tls else {})
        self.started = False
        self.size = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        else:
            self.size += len(message.get("body", b""))
        await self._send(message)


class Edge:
    """Plain ASGI middleware, so that bodies and streams pass unbuffered; `streams` are the paths of open streams."""

    def __init__(self, app: ASGIApp, callers: Callers, streams: Collection[str] = ()) -> None:
        self._app = app
        self._callers = callers
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, tls=scope.get("scheme") == "https")
        try:
            with asked_over_http():
                await self._admit(scope, receive, answer)
        except Exception as failure:
            if answer.started:
                raise
            if isinstance(failure, OverBudget):
                await asyncio.sleep(_REFUSED_AFTER_SECONDS)
            refusal = problem_of(failure)
            if refusal.status_code == 503 and CALLER in scope:
                log.warning("a request cannot be answered now", path=scope["path"], failure=repr(failure))
            await answer_of(refusal)(scope, receive, answer.send)
            if refusal.status_code == 500:
                raise

    async def _admit(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers = Headers(scope=scope)
        limit, right = _rule(scope["path"], headers)
        _require_small(headers, limit)
        if right is None:
            await self._app(scope, _bounded(receive, limit), answer.send)
            return
        caller = await self._callers.identify(HTTPConnection(scope))
        _require_right(caller, right)
        caller.meter.request()
        scope[CALLER] = caller
        await self._within_budget(caller.meter, scope, _bounded(receive, limit, caller.meter.body), answer)

    async def _within_budget(self, meter: Meter, scope: Scope, receive: Receive, answer: _Answer) -> None:
        """Runs the request within the party's limits: streams are counted apart, and its reads take turns."""
        is_stream = scope["path"] in self._streams
        takes_turns = not is_stream and scope["method"] in ("GET", "HEAD")
        with meter.open_stream() if is_stream else meter.in_flight():
            async with meter.turn if takes_turns else nullcontext():
                try:
                    await self._app(scope, receive, answer.send)
                finally:
                    meter.answered(answer.size)


def content_type_of(headers: Headers) -> str:
    """The media type of a body, without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _rule(path: str, headers: Headers) -> tuple[int, Right | None]:
    """The largest body that a path takes, and the scope that it requires; None for a public path."""
    if path == "/v1/events":
        return LARGEST_REPORTS if content_type_of(headers) == BATCH else MAX_INCOMING, "report"
    if path.startswith("/ops/"):
        return LARGEST_OPERATION, "operate"
    if path.startswith("/metrics"):
        return LARGEST_OTHER, "operate"
    # Everything else is the page, and the health checks of a load balancer.
    return LARGEST_OTHER, "read" if path.startswith(("/v1/", "/openapi.json")) else None


def _require_small(headers: Headers, limit: int) -> None:
    """Checks the headers of the body; raises `ProblemError` (415, 413)."""
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        why = "send the body as it is: no content encoding is taken"
        raise ProblemError(415, why, [Problem("bad_header", "$.datacontenttype", why)])
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or int(length) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> ProblemError:
    return ProblemError(413, f"the body is over {limit} bytes", [Problem("too_large", "$", f"the limit is {limit}")])


def _require_right(caller: Caller, right: Right) -> None:
    if right not in caller.token.scopes:
        raise ProblemError(403, f"this token is not for what needs the right to {right}")
    if right == "operate" and caller.party.role != "operations":
        raise ProblemError(403, "only operations may do this")


def _bounded(receive: Receive, limit: int, count: Callable[[int], None] = lambda _: None) -> Receive:
    """Wraps `receive`; it raises `ProblemError` (413) as soon as the body exceeds the limit."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] == "http.request":
            come = len(message.get("body", b""))
            count(come)
            size += come
            if size > limit:
                raise _too_large(limit)
        return message

    return bounded
