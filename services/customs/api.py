"""Customs' HTTP API: declarations, decisions and holds in, cases and verdicts out.

Invariant: what is sent goes to Kafka, as everybody's does; a case is shown in the form that the caller may see.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, FastAPI, Query, Request, Response

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from contracts.events.base import Revision
from contracts.events.fields import Text, utc_text
from services.chassis.base import visibility
from services.chassis.base.pace import until
from services.chassis.base.visibility import Viewer
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import ASKED, REPORTS, failures
from services.chassis.http.problems import ProblemError
from services.chassis.http.report_endpoint import ReportEndpoint
from services.chassis.service import app as chassis_app
from services.chassis.service.runtime import Runtime
from services.customs import handlers, store
from services.customs.domain import forms

_WAITED: dict[int | str, dict[str, Any]] = {200: {"description": "taken, and the verdict is that it is effective"}}
_SETTLED = ("effective", "refused", "conflict", "reissue_required")


def make_app(runtime: Runtime) -> FastAPI:
    """The app of the customs service."""
    app = chassis_app.new_app(runtime, "Corridor customs")
    app.include_router(_reports(runtime))
    app.include_router(_cases(runtime))
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
        wait: Annotated[float, Query(ge=0, le=30, description="seconds to wait for the verdict on a decision")] = 0,
    ) -> dict[str, Any]:
        """Declarations, decisions and holds. A single decision can wait for its verdict: 200, 409, or 202."""
        events = await endpoint.post(request, party)
        taken: dict[str, Any] = {"taken": [{"source": e.source, "id": e.id} for e in events]}
        if wait and len(events) == 1 and events[0].type == catalogue.DECISION:
            return taken | await _verdict(runtime, response, events[0], wait)
        return taken

    return router


async def _verdict(runtime: Runtime, response: Response, event: Event, wait: float) -> dict[str, Any]:
    try:
        async with asyncio.timeout(wait):
            verdict = await _await_verdict(runtime, event)
    except TimeoutError:
        asked = urlencode({"case": event.subject, "source": event.source, "id": event.id})
        response.headers["Location"] = f"/v1/verdicts?{asked}"
        return {"verdict": "not known yet"}
    if verdict["verdict"] != "effective":
        raise ProblemError(409, verdict.get("detail", verdict["verdict"]), verdict=verdict)
    response.status_code = 200
    return {"verdict": verdict}


async def _await_verdict(runtime: Runtime, event: Event) -> dict[str, Any]:
    while True:
        commit = runtime.next_commit
        verdict = await store.find_verdict(runtime.store, event.subject, event.source, event.id)
        if verdict is not None and verdict["verdict"] in _SETTLED and _is_on(verdict, event):
            return {name: value for name, value in verdict.items() if name != "updated_at"}
        # Another copy may fold the case, so its commits are looked for as well.
        await until(commit, 0.25)


def _is_on(verdict: Mapping[str, Any], event: Event) -> bool:
    """Whether a verdict is on this revision or a later one: that on the one before it is no answer."""
    return datetime.fromisoformat(verdict["updated_at"]) >= cast(Revision, event.data).updated_at


def _cases(runtime: Runtime) -> APIRouter:
    router = APIRouter(tags=["cases"], responses=failures(*ASKED))
    _add_cases(router, runtime)
    _add_verdicts(router, runtime)
    return router


def _add_cases(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/v1/cases")
    async def read_cases(
        party: Asking,
        after: Annotated[Text, Query(max_length=400)] = "",
        jurisdiction: Annotated[Text | None, Query(max_length=8)] = None,
        state: Annotated[Text | None, Query(max_length=40)] = None,
        consignment: Annotated[Text | None, Query(max_length=200)] = None,
        case: Annotated[Text | None, Query(max_length=200)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """Cases in the caller's form: its own law's whole, those it takes part in, or the public part."""
        viewer = visibility.viewer_of(party)
        found = await store.list_cases(
            runtime.store,
            visibility.keys_of(viewer),
            after=after,
            jurisdiction=jurisdiction,
            state=state,
            consignment=consignment,
            case=case,
            limit=limit,
        )
        items = [_form(content, locks, viewer) for content, locks in found]
        return {"items": items, "after": items[-1]["case"] if items else None}


def _add_verdicts(router: APIRouter, runtime: Runtime) -> None:
    @router.get("/v1/verdicts", responses=failures(404))
    async def read_verdict(
        party: Asking,
        case: Annotated[Text, Query(max_length=200)],
        source: Annotated[Text, Query(max_length=400)],
        id: Annotated[Text, Query(max_length=400)],
    ) -> dict[str, Any]:
        """The verdict on one of the caller's own decisions."""
        verdict = await store.find_verdict(runtime.store, case, source, id) if source in party.sources else None
        if verdict is None:
            raise ProblemError(404, visibility.NOT_SEEN)
        return {name: value for name, value in verdict.items() if name != "updated_at"}


def _form(content: Mapping[str, Any], locks: frozenset[str], viewer: Viewer) -> dict[str, Any]:
    form = visibility.case_form(viewer, locks)
    shown = {
        "authority": lambda: forms.authority(content, viewer.country),
        "involved": lambda: forms.involved(content),
        "public": lambda: forms.public(content),
    }[form or "public"]()
    stamps = {"version": content["version"], "recorded_at": utc_text(content["recorded_at"])}
    return shown | stamps | {"form": form}
