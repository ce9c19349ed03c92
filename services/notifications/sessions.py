"""`/v1/session`: how a browser signs in with a token, and leaves.

Invariant: the token is sent once, in a header; from then on the browser has a cookie that no script and no other site
can read or send, which may only read, for half a day at most. Several parties may be signed in side by side.
"""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from contracts.events.fields import utc_text
from services.chassis.base import tokens
from services.chassis.base.clock import machinery_now
from services.chassis.base.tokens import Session
from services.chassis.http.callers import COOKIE_PREFIX, Caller, caller_of, party_of
from services.chassis.http.openapi import ASKED, failures
from services.chassis.http.problems import ProblemError
from services.chassis.service.runtime import Runtime


def router(runtime: Runtime) -> APIRouter:
    """Opening and ending sessions."""
    said = failures(*ASKED, 403)
    routes = APIRouter(prefix="/v1/session", tags=["session"], dependencies=[Depends(party_of)], responses=said)

    @routes.post("")
    async def sign_in(request: Request, response: Response) -> dict[str, Any]:
        """Opens a session with a bearer token; its name goes into the header `Corridor-Session` of what follows.

        Asked by a session, that one goes on for longer.
        """
        caller = caller_of(request)
        session = await _session_of(runtime, request, caller)
        if session is None:
            request.app.state.callers.forget(caller)
            raise ProblemError(401, "the token is not valid any more")
        if session.token is not None:
            seconds = int((session.expires_at - machinery_now()).total_seconds())
            _set(request, response, session.name, session.token, seconds)
        return {"session": session.name, "party": caller.party.party, "expires_at": utc_text(session.expires_at)}

    @routes.delete("", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Ends the session that asks."""
        caller = caller_of(request)
        if not caller.token.is_session:
            raise ProblemError(403, "only a session can be ended here")
        await tokens.end_session(runtime.store, caller.token)
        request.app.state.callers.forget(caller)
        _set(request, response, _name_of(caller), "", 0)

    return routes


async def _session_of(runtime: Runtime, request: Request, caller: Caller) -> Session | None:
    """Goes on with the session that asks, or opens one for the token; None when that is gone."""
    if not caller.token.is_session:
        had = [value for name, value in request.cookies.items() if name.startswith(COOKIE_PREFIX)]
        return await tokens.open_session(runtime.store, caller.token, had)
    until = await tokens.renew_session(runtime.store, caller.token)
    name = _name_of(caller)
    value = request.cookies.get(COOKIE_PREFIX + name)
    return None if until is None or value is None else Session(name, until, value)


def _name_of(caller: Caller) -> str:
    return caller.token.label.removeprefix(tokens.SESSION_PREFIX)


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    """Gives the browser a cookie; no seconds take it away."""
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE_PREFIX + name, value, max_age=max(0, seconds), secure=secure, httponly=True, samesite="strict"
    )
