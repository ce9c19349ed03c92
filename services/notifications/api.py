"""Notifications' HTTP API: feed, stream, overview, subjects, and the dashboard.

Invariant: a party reads its own feed and what it may see, nothing else; the page asks no other host for anything.
"""

from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Header, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from starlette.routing import Match, Mount
from starlette.types import Scope

from contracts.events.fields import Instant, Text, utc_text
from contracts.identifiers import subjects
from contracts.identifiers.subjects import BadSubject
from services.chassis.base import visibility
from services.chassis.http.callers import Asking, caller_of
from services.chassis.http.openapi import ASKED, failures
from services.chassis.http.problems import ProblemError
from services.chassis.service import app as chassis_app
from services.chassis.service.runtime import Runtime
from services.notifications import feeds, sessions, store, stream
from services.notifications.domain.fold import head, visible

_DASHBOARD: Final = FilePath(__file__).parent / "dashboard"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# What the edge does not say of every answer.
_HEADERS: Final = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
_HIGHEST: Final = 2**62
SubjectKind = Literal["run", "train", "wagon", "container", "consignment"]


def make_app(runtime: Runtime) -> FastAPI:
    """The app of the notifications service."""
    app = chassis_app.new_app(runtime, "Corridor notifications", streams=("/v1/stream",))
    app.include_router(sessions.router(runtime))
    app.include_router(_feed(runtime))
    app.include_router(_seen(runtime))
    _mount_dashboard(app)
    return app


def _feed(runtime: Runtime) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["feed"], responses=failures(*ASKED))
    channels = stream.Channels(runtime)

    @router.get("/feed")
    async def read_feed(
        party: Asking,
        after: Annotated[int, Query(ge=0, le=_HIGHEST)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        last: Annotated[int | None, Query(ge=1, le=1000)] = None,
        before: Annotated[int, Query(ge=0, le=_HIGHEST)] = _HIGHEST,
    ) -> dict[str, Any]:
        """The caller's items behind a cursor, or the `last` ones `before` a number; `after` is the next cursor."""
        if last is None:
            items = await feeds.read_feed(runtime.store, party.party, after, limit)
        else:
            items = await feeds.read_feed_end(runtime.store, party.party, last, before)
        return {"party": party.party, "items": items, "after": items[-1]["sequence"] if items else after}

    @router.get("/stream", response_class=EventSourceResponse)
    async def read_stream(
        request: Request,
        party: Asking,
        after: Annotated[int, Query(ge=0, le=_HIGHEST)] = 0,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """The caller's items as server-sent events; resumes behind `Last-Event-ID`, which wins over `after`.

        An event `ended` says why the stream is over: `token_ended`, or `too_slow` for a reader to come back.
        """
        callers, caller = request.app.state.callers, caller_of(request)
        cursor = _cursor(last_event_id, after)
        async for event in stream.follow(channels, runtime, party.party, cursor, lambda: callers.is_valid(caller)):
            yield event

    return router


def _cursor(last_event_id: str | None, after: int) -> int:
    """Where a stream goes on: what is no number of ours is no cursor."""
    if last_event_id and last_event_id.isascii() and last_event_id.isdigit():
        return min(int(last_event_id), _HIGHEST)
    return after


def _seen(runtime: Runtime) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["overview"], responses=failures(*ASKED))
    _add_setting(router, runtime)
    _add_lists(router, runtime)
    _add_subject(router, runtime)
    return router


def _add_setting(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/me")
    async def read_me(party: Asking) -> dict[str, Any]:
        """Who the caller is, and the corridor's present."""
        return {
            "party": party.party,
            "name": party.name,
            "role": party.role,
            "country": party.country,
            "now": utc_text(runtime.clock.now()),
            "stepped": runtime.clock.stepped,
        }

    @router.get("/points")
    async def read_points(party: Asking) -> dict[str, Any]:
        """The points of the corridor: names, countries, zones; and from when on silence is news."""
        projection: Any = runtime.blueprint.projection
        points = [
            {"key": p.key, "name": p.name, "country": p.country, "zone": p.zone} for p in projection.corridor.points
        ]
        return {"items": points, "silent_hours": projection.corridor.thresholds.silent_hours}


def _add_lists(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/overview")
    async def read_overview(
        party: Asking,
        kind: SubjectKind | None = None,
        query: Annotated[Text, Query(max_length=80)] = "",
        limit: Annotated[int, Query(ge=1, le=5000)] = 1000,
        since: Annotated[Instant | None, Query()] = None,
    ) -> dict[str, Any]:
        """The subjects that the caller may see, and the cursor of the feed that belongs to this picture.

        With `since`, only what was recorded from then on: how a page that has the rest keeps up. `away` has the
        services that nothing new comes from at present, with the real time since when.
        """
        rows, cursor = await store.read_overview(runtime.store, party.party, kind, query, limit, since)
        away = {source: utc_text(missed) for source, missed in runtime.sources.away.items()}
        return {"items": rows, "cursor": cursor, "now": utc_text(runtime.clock.now()), "away": away}

    @router.get("/attention")
    async def read_attention(party: Asking, limit: Annotated[int, Query(ge=1, le=5000)] = 1000) -> dict[str, Any]:
        """What is open: exceptions, violations, holds, and arrivals that nobody has declared."""
        items = await store.read_attention(runtime.store, party.party, limit)
        return {"items": items, "now": utc_text(runtime.clock.now())}


def _add_subject(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/subjects/{kind}/{id:path}", responses=failures(404))
    async def read_subject(kind: SubjectKind, id: Annotated[str, Path()], party: Asking) -> dict[str, Any]:
        """What the caller may see of a subject: its head, its facts, and customs and exceptions about it."""
        try:
            subject = subjects.parse(f"{kind}:{id}")
        except BadSubject as failure:
            raise ProblemError(404, str(failure)) from failure
        content = await store.read_picture(runtime.store, subject)
        if content is None or party.party not in content["parties"]:
            raise ProblemError(404, visibility.NOT_SEEN)
        shown = head(content, party.party)
        return {
            "subject": subject,
            **shown,
            "facts": visible(content, party.party),
            "related": await store.read_related(runtime.store, *_beside(subject, shown), party.party),
            "of_parts": await store.read_of_parts(runtime.store, subject, _parts(subject, shown), party.party),
            "now": utc_text(runtime.clock.now()),
        }


def _beside(subject: str, head: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The subjects whose troubles, and the consignments whose papers, belong on a subject's page."""
    if subjects.kind_of(subject) == "consignment":
        return [subject, *head.get("members", ())], [subject]
    carried = [a["subject"] for a in head.get("associations", ()) if a["relation"] == "in_consignment"]
    return [subject], carried


def _parts(subject: str, head: dict[str, Any]) -> list[str]:
    """The boxes of a consignment: what they go through is what it goes through."""
    return list(head.get("members", ())) if subjects.kind_of(subject) == "consignment" else []


def _mount_dashboard(app: FastAPI) -> None:
    app.router.routes.append(_Page("/", _Files(directory=_DASHBOARD, html=True), name="dashboard"))


class _Page(Mount):
    """The files of the page: everything but the API, whose addresses answer for their own methods."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and scope["path"].startswith(("/v1/", "/ops/")):
            return Match.NONE, {}
        return super().matches(scope)


class _Files(StaticFiles):
    """The files with what a browser may do with them."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers.update(_HEADERS)
        return response
