"""Customs' HTTP API: declarations, decisions and holds in, and the verdicts on decisions for who waits for them.

Invariant: what is sent goes to Kafka, as everybody's does. An answer tells of the decisions in it and of no others.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request, Response

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from contracts.events.base import Revision
from services.chassis.base.pace import until
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import ASKED, REPORTS, failures
from services.chassis.http.problems import ProblemError
from services.chassis.http.report_endpoint import ReportEndpoint
from services.chassis.service import app as chassis_app
from services.chassis.service.runtime import Runtime
from services.customs import handlers, reads, store

_WAITED: dict[int | str, dict[str, Any]] = {
    200: {"description": "taken, and the verdict on every decision is that it is effective"}
}
_SETTLED = ("effective", "refused", "conflict", "reissue_required")


def make_app(runtime: Runtime) -> FastAPI:
    """The app of the customs service."""
    app = chassis_app.new_app(runtime, "Corridor customs")
    app.include_router(_reports(runtime))
    app.include_router(reads.router(runtime))
    app.include_router(chassis_app.receipts(runtime))
    return app


def _reports(runtime: Runtime) -> APIRouter:
    router = APIRouter(tags=["reports"], responses=failures(*ASKED, 400, 403, 409, 413, 415))
    endpoint = ReportEndpoint(
        [(topics.DECLARATIONS, handlers.may_declare), (topics.DECISIONS, handlers.may_decide)],
        lambda: runtime.door_producer,
        runtime.clock.now,
        runtime.settings.send_timeout_seconds,
    )

    @router.post("/v1/events", status_code=202, openapi_extra=REPORTS, responses=_WAITED)
    async def report(
        request: Request,
        response: Response,
        party: Asking,
        wait: Annotated[float, Query(ge=0, le=30, description="seconds to wait for the verdicts on decisions")] = 0,
    ) -> dict[str, Any]:
        """Declarations, decisions and holds. Who waits is told the verdict on each decision.

        200 when all are effective, 409 when one is not, with the holds that stop it, 202 with links while one is not
        known. In a batch each decision is judged by itself, and takes effect or not whatever becomes of the others.
        """
        events = await endpoint.post(request, party)
        taken: dict[str, Any] = {"taken": [{"source": e.source, "id": e.id} for e in events]}
        decisions = [e for e in events if e.type == catalogue.DECISION]
        if not (wait and decisions):
            return taken
        found = await _verdicts(runtime, decisions, wait)
        if len(events) == 1:
            return taken | _one(response, events[0], found[0])
        return taken | _several(response, decisions, found)

    return router


async def _verdicts(runtime: Runtime, events: Sequence[Event], wait: float) -> list[dict[str, Any] | None]:
    """The verdict on each decision as soon as all are known; None for what is not known when the time is over."""
    waiting = [asyncio.create_task(_await_verdict(runtime, event)) for event in events]
    try:
        await asyncio.wait(waiting, timeout=wait)
        return [task.result() if task.done() else None for task in waiting]
    finally:
        for task in waiting:
            task.cancel()


def _one(response: Response, event: Event, verdict: dict[str, Any] | None) -> dict[str, Any]:
    if verdict is None:
        response.headers["Location"] = _link(event)
        return {"verdict": "not known yet"}
    if verdict["verdict"] != "effective":
        raise ProblemError(409, verdict.get("detail", verdict["verdict"]), verdict=verdict)
    response.status_code = 200
    return {"verdict": verdict}


def _several(response: Response, events: Sequence[Event], verdicts: Sequence[dict[str, Any] | None]) -> dict[str, Any]:
    pairs = zip(events, verdicts, strict=True)
    told = [{"case": e.subject, **(v or {"source": e.source, "event_id": e.id, "link": _link(e)})} for e, v in pairs]
    known = [v for v in verdicts if v is not None]
    stopped = [v for v in known if v["verdict"] != "effective"]
    if len(known) == len(verdicts) and stopped:
        raise ProblemError(409, f"{len(stopped)} of {len(known)} decisions have no effect", verdicts=told)
    response.status_code = 200 if len(known) == len(verdicts) else 202
    return {"verdicts": told}


def _link(event: Event) -> str:
    return f"/v1/verdicts?{urlencode({'case': event.subject, 'source': event.source, 'id': event.id})}"


async def _await_verdict(runtime: Runtime, event: Event) -> dict[str, Any]:
    while True:
        commit = runtime.next_commit
        verdict = await store.find_verdict(runtime.store, event.subject, event.source, event.id)
        if verdict is not None and verdict["verdict"] in _SETTLED and _is_on(verdict, event):
            return reads.own_verdict(verdict)
        # Another copy may fold the case, so its commits are looked for as well.
        await until(commit, 0.25)


def _is_on(verdict: Mapping[str, Any], event: Event) -> bool:
    """Whether a verdict is on this revision or a later one: that on the one before it is no answer."""
    return datetime.fromisoformat(verdict["updated_at"]) >= cast(Revision, event.data).updated_at
