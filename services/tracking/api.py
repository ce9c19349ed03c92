"""Tracking's HTTP API: report events, read subjects and their timelines.

Invariant: reports go to Kafka, as everybody's do; whoever reads is shown what the rule lets it see, and no more.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Query, Request

from contracts import topics
from contracts.events.fields import Instant, Text, as_shown
from contracts.identifiers import subjects
from contracts.identifiers.subjects import BadSubject
from services.chassis.base import visibility
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import ASKED, REPORTS, failures
from services.chassis.http.problems import ProblemError
from services.chassis.http.report_endpoint import ReportEndpoint
from services.chassis.service import app as chassis_app
from services.chassis.service.runtime import Runtime
from services.tracking import store, views
from services.tracking.entitlement import entitled

SubjectKind = Literal["run", "train", "wagon", "container", "consignment", "reference"]
KnownAt = Annotated[Instant | None, Query(description="as known at this instant")]

After = Annotated[Text, Query(max_length=200)]


def make_app(runtime: Runtime) -> FastAPI:
    """The app of the tracking service."""
    app = chassis_app.new_app(runtime, "Corridor tracking")
    app.include_router(_reports(runtime))
    app.include_router(_subjects(runtime))
    app.include_router(chassis_app.receipts(runtime))
    return app


def _reports(runtime: Runtime) -> APIRouter:
    router = APIRouter(tags=["reports"], responses=failures(*ASKED, 400, 403, 413, 415))
    endpoint = ReportEndpoint(
        [(topics.MILESTONES, entitled)],
        lambda: runtime.door_producer,
        runtime.clock.now,
        runtime.settings.send_timeout_seconds,
    )

    @router.post("/v1/events", status_code=202, openapi_extra=REPORTS)
    async def report(request: Request, party: Asking) -> dict[str, Any]:
        """One event (binary or structured mode) or a batch; answered when Kafka has it."""
        events = await endpoint.post(request, party)
        return {"taken": [{"source": e.source, "id": e.id} for e in events]}

    return router


def _subjects(runtime: Runtime) -> APIRouter:
    router = APIRouter(prefix="/v1/subjects", tags=["subjects"], responses=failures(*ASKED))
    _add_list(router, runtime)
    # An id may hold slashes, so the timeline is matched before the subject itself.
    _add_timeline(router, runtime)
    _add_picture(router, runtime)
    return router


def _add_list(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/{kind}", responses=failures(403))
    async def read_list(
        kind: SubjectKind,
        party: Asking,
        known_at: KnownAt = None,
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """What lists show of the subjects of a kind that the caller carries or rules over, now or soon."""
        keys = visibility.keys_of(visibility.viewer_of(party))
        if not visibility.lists(keys):
            raise ProblemError(403, "lists of all subjects are for carriers, customs and control rooms")
        rows = await store.list_subjects(runtime.store, keys, kind, known_at, after, limit)
        return {"items": [as_shown(dict(row)) for row in rows], "after": rows[-1]["subject"] if rows else None}


def _add_timeline(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/{kind}/{id:path}/timeline", responses=failures(400, 404))
    async def read_timeline(
        kind: SubjectKind,
        id: Annotated[str, Path()],
        party: Asking,
        known_at: KnownAt = None,
        after: After = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """The revisions that name the subject, oldest first: the caller's own and those that it may read whole, others
        as facts. `after` is the cursor of the next page.
        """
        subject = _key(kind, id)
        sight = await views.look(runtime, party, subject)
        try:
            page = await views.read_page(sight, runtime, known_at, after, limit)
        except views.BadCursor as failure:
            raise ProblemError(400, str(failure)) from failure
        if sight.shown is None and not page.revisions and not after:
            raise ProblemError(404, visibility.NOT_SEEN)
        return {"subject": subject, "revisions": page.revisions, "after": page.after}


def _add_picture(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/{kind}/{id:path}", responses=failures(404))
    async def read_subject(kind: SubjectKind, id: Annotated[str, Path()], party: Asking) -> dict[str, Any]:
        """What the caller may see of the picture of a subject."""
        sight = await views.look(runtime, party, _key(kind, id))
        if sight.shown is None:
            raise ProblemError(404, visibility.NOT_SEEN)
        return sight.shown


def _key(kind: str, id: str) -> str:
    try:
        return subjects.parse(f"{kind}:{id}")
    except BadSubject as failure:
        raise ProblemError(404, str(failure)) from failure
