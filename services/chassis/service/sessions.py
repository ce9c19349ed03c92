"""`/v1/session`: how a browser signs in with a token, and leaves.

Invariant: the token is sent once, in a header; from then on the browser has a cookie that no script and no other site
can read or send, which may only read, for half a day at most. Several parties may be signed in side by side.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from contracts.events.fields import utc_text
from services.chassis.base import tokens
from services.chassis.base.clock import machinery_now
from services.chassis.base.tokens import Session
from services.chassis.http.callers import COOKIE_PREFIX, Caller, Callers, caller_of, cookie, cookies_of
from services.chassis.http.openapi import ASKED, failures
from services.chassis.http.problems import ProblemError
from services.chassis.service.runtime import Runtime

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


def router(runtime: Runtime, callers: Callers) -> APIRouter:
    """Opening and ending sessions."""
    routes = APIRouter(prefix="/v1/session", tags=["session"], responses=failures(*ASKED, 403))

    @routes.post("")
    async def sign_in(request: Request, response: Response, _: Bearer) -> dict[str, Any]:
        """Opens a session with a bearer token; its name goes into the header `Corridor-Session` of what follows.

        Asked by a session, that one goes on for longer.
        """
        caller = caller_of(request)
        session = await (_renewed if caller.token.is_session else _opened)(request, caller)
        if session is None:
            callers.forget(caller)
            raise ProblemError(401, "the token is not valid any more")
        if session.token is not None:
            seconds = int((session.expires_at - machinery_now()).total_seconds())
            _set(request, response, session.name, session.token, seconds)
        return {"session": session.name, "party": caller.party.party, "expires_at": utc_text(session.expires_at)}

    async def _opened(request: Request, caller: Caller) -> Session | None:
        return await tokens.open_session(runtime.store, caller.token, cookies_of(request))

    async def _renewed(request: Request, caller: Caller) -> Session | None:
        until = await tokens.renew_session(runtime.store, caller.token)
        name = caller.token.label.removeprefix(tokens.SESSION_PREFIX)
        value = request.cookies.get(COOKIE_PREFIX + name)
        return None if until is None or value is None else Session(name, until, value)

    @routes.delete("", status_code=204)
    async def sign_out(request: Request, response: Response, _: Bearer) -> None:
        """Ends the session that asks."""
        caller = caller_of(request)
        if not caller.token.is_session:
            raise ProblemError(403, "only a session can be ended here")
        await tokens.end_session(runtime.store, caller.token)
        callers.forget(caller)
        _set(request, response, caller.token.label.removeprefix(tokens.SESSION_PREFIX), "", 0)

    return routes


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    secure = request.url.scheme == "https"
    response.headers.append("Set-Cookie", cookie(name, value, max(0, seconds), secure=secure))
