"""The failure answers of every HTTP API.

Invariant: each is `application/problem+json` (RFC 9457) with every path and reason. It reveals nothing of a failure of
our own.
"""

from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from contracts.refusal import Problem, Refused
from services.chassis.base.budgets import OverBudget
from services.chassis.base.errors import is_transient
from services.chassis.http.openapi import PROBLEM, complete


class ProblemError(HTTPException):
    """An HTTP failure with the problems that explain it."""

    def __init__(
        self,
        status: int,
        detail: str,
        problems: Sequence[Problem] = (),
        *,
        retry_after: int = 5,
        **extra: Any,
    ) -> None:
        later = {"Retry-After": str(retry_after)}
        headers = {401: {"WWW-Authenticate": "Bearer"}, 429: later, 503: later}
        super().__init__(status, detail, headers.get(status))
        self.problems = problems
        self.extra = extra


def install(app: FastAPI) -> None:
    """Turns the framework's refusals into problem documents, also in the OpenAPI document of the app."""
    complete(app)

    # The router raises Starlette's class, from which FastAPI's derives.
    @app.exception_handler(StarletteHTTPException)
    async def _http(_: Request, failure: StarletteHTTPException) -> Response:
        return answer_of(failure)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, failure: RequestValidationError) -> Response:
        problems = [Problem("bad_field", ".".join(map(str, e["loc"])), e["msg"]) for e in failure.errors()]
        return answer_of(ProblemError(422, "the request does not fit", problems))


def problem_of(failure: Exception) -> ProblemError:
    """The problem of a failure: a report's faults (4xx), 429 over budget, 503 for transient ones, 500 for bugs."""
    if isinstance(failure, ProblemError):
        return failure
    if isinstance(failure, Refused):
        count = "1 problem" if len(failure.problems) == 1 else f"{len(failure.problems)} problems"
        return ProblemError(_status_of(failure), f"{count}; nothing was taken", failure.problems)
    if isinstance(failure, OverBudget):
        spent = [Problem("over_budget", "$", str(failure))]
        return ProblemError(429, "ask again later", spent, retry_after=failure.seconds)
    if is_transient(failure):
        return ProblemError(503, "a server does not answer: try again")
    return ProblemError(500, "the failure is logged")


def _status_of(refusal: Refused) -> int:
    reasons = {p.reason for p in refusal.problems}
    if "not_json" in reasons:
        return 400
    return 413 if "too_large" in reasons else 403 if reasons == {"not_entitled"} else 422


def answer_of(failure: StarletteHTTPException) -> Response:
    """The problem document of a failure."""
    problems = [asdict(p) for p in getattr(failure, "problems", ())]
    status = failure.status_code
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(failure.detail),
        **({"problems": problems} if problems else {}),
        **getattr(failure, "extra", {}),
    }
    return JSONResponse(body, status, failure.headers, PROBLEM)
