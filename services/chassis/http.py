"""What every HTTP API of ours does the same way: problems, tokens, limits.

Invariant: a failure is `application/problem+json` (RFC 9457) with every path and reason; a body is never read
beyond its limit; who is asking is decided by the token alone.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import asyncpg
import structlog
from aiokafka.errors import KafkaError
from fastapi import Depends, FastAPI, HTTPException, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException as StarletteHTTPException

from contracts.refusal import Problem
from services.chassis.database import Pool
from services.chassis.errors import passes
from services.chassis.openapi import PROBLEM, TITLES, complete
from services.chassis.parties import Party, PartyBook, party_of_token

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
# Among what these raise is what passes by itself.
_OF_SERVERS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, KafkaError)


class ProblemError(HTTPException):
    """An HTTP failure with the problems that explain it."""

    def __init__(self, status: int, detail: str, problems: Sequence[Problem] = (), **extra: Any) -> None:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == 503 else None
        if status == 401:
            headers = {"WWW-Authenticate": "Bearer"}
        super().__init__(status, detail, headers)
        self.problems = problems
        self.extra = extra


def problem(status: int, detail: str, **members: Any) -> dict[str, Any]:
    """The members of an RFC 9457 problem."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Failure"),
        "status": status,
        "detail": detail,
    } | members


def install(app: FastAPI) -> None:
    """Makes every failure of the app a problem document, and says so in its OpenAPI document."""
    complete(app)

    # The router's own failures are of the class that FastAPI's is made from.
    @app.exception_handler(StarletteHTTPException)
    async def _http(_: Request, failure: StarletteHTTPException) -> Response:
        problems = [{"path": p.path, "reason": p.reason, "detail": p.detail} for p in getattr(failure, "problems", ())]
        members = ({"problems": problems} if problems else {}) | getattr(failure, "extra", {})
        body = problem(failure.status_code, str(failure.detail), **members)
        return JSONResponse(body, failure.status_code, failure.headers, PROBLEM)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, failure: RequestValidationError) -> Response:
        problems = [
            {"path": ".".join(map(str, e["loc"])), "reason": "bad_field", "detail": e["msg"]} for e in failure.errors()
        ]
        return JSONResponse(problem(422, "the request does not fit", problems=problems), 422, None, PROBLEM)

    async def _away(request: Request, failure: Exception) -> Response:
        if not passes(failure):
            raise failure
        log.warning("a request cannot be answered now", path=request.url.path, failure=repr(failure))
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return JSONResponse(problem(503, "a server does not answer: try again"), 503, headers, PROBLEM)

    for kind in _OF_SERVERS:
        app.add_exception_handler(kind, _away)

    # Each of these is logged with its traceback.
    @app.exception_handler(Exception)
    async def _any(_: Request, failure: Exception) -> Response:
        return JSONResponse(problem(500, "the failure is logged"), 500, None, PROBLEM)


class Doorkeeper:
    """Knows the party of a request by its bearer token."""

    def __init__(self, pool: Callable[[], Pool], book: PartyBook) -> None:
        self._pool = pool
        self._book = book

    async def __call__(
        self,
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))],
    ) -> Party:
        """The party that asks; 401 without a valid token. A stream may carry the token as a query parameter."""
        token = bearer.credentials if bearer else request.query_params.get("token", "")
        name = await party_of_token(self._pool(), token) if token else None
        if name is None:
            raise ProblemError(401, "send Authorization: Bearer <token>")
        await self._book.refresh(self._pool(), name)
        party = self._book.get(name)
        if party is None:
            raise ProblemError(401, "the token's party is not known any more")
        return party


def operations_only(keeper: Doorkeeper) -> Callable[..., Awaitable[Party]]:
    """A dependency that lets only the operations role in."""

    async def check(party: Annotated[Party, Depends(keeper)]) -> Party:
        if party.role != "operations":
            raise ProblemError(403, "only operations may do this")
        return party

    return check


async def read_body(request: Request, limit: int) -> bytes:
    """The body; 413 as soon as it is over `limit` bytes."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise ProblemError(413, f"the body is over {limit} bytes", [Problem("too_large", "$", f"limit {limit}")])
        parts.append(part)
    return b"".join(parts)
