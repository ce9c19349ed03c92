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
from services.chassis.base.budgets import OverBudget
from services.chassis.base.errors import passes
from services.chassis.base.parties import Party
from services.chassis.http.openapi import PROBLEM, TITLES, complete

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 5
# Where the edge leaves in the scope of a request who asks, and what that party has spent.
CALLER = "corridor.caller"
METER = "corridor.meter"
# Among what these raise is what passes by itself.
_OF_SERVERS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, KafkaError)


class ProblemError(HTTPException):
    """An HTTP failure with the problems that explain it."""

    def __init__(
        self,
        status: int,
        detail: str,
        problems: Sequence[Problem] = (),
        *,
        retry_after: int = RETRY_AFTER_SECONDS,
        **extra: Any,
    ) -> None:
        headers = {"Retry-After": str(retry_after)} if status in (429, 503) else None
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
        return answer_of(failure)

    @app.exception_handler(OverBudget)
    async def _over(_: Request, failure: OverBudget) -> Response:
        return over_budget_answer(failure)

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
        return problem_answer(503, "a server does not answer: try again", RETRY_AFTER_SECONDS)

    for kind in _OF_SERVERS:
        app.add_exception_handler(kind, _away)


def answer_of(failure: StarletteHTTPException) -> Response:
    """The problem document of a failure."""
    problems = [{"path": p.path, "reason": p.reason, "detail": p.detail} for p in getattr(failure, "problems", ())]
    members = ({"problems": problems} if problems else {}) | getattr(failure, "extra", {})
    body = problem(failure.status_code, str(failure.detail), **members)
    return JSONResponse(body, failure.status_code, failure.headers, PROBLEM)


def over_budget_answer(failure: OverBudget) -> Response:
    """What a party is told that has spent its budget."""
    problems = [Problem("over_budget", "$", str(failure))]
    refusal = ProblemError(429, "ask again later", problems, retry_after=failure.seconds)
    return answer_of(refusal)


def problem_answer(status: int, detail: str, retry_after: int | None = None) -> Response:
    """A problem document; with `retry_after`, when to ask again."""
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(problem(status, detail), status, headers, PROBLEM)


class Doorkeeper:
    """Gives the party of a request, as the edge has found it."""

    async def __call__(
        self,
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(HTTPBearer(auto_error=False))],
    ) -> Party:
        """The party that asks; 401 where the edge has let somebody in without a token."""
        caller = request.scope.get(CALLER)
        if caller is None:
            raise ProblemError(401, "send Authorization: Bearer <token>")
        party: Party = caller.party
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
