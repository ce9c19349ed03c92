"""Tracking's HTTP API: report events, read subjects and their timelines.

Invariant: reports go to Kafka, as everybody's do; a party of the cargo reads only what concerns its consignments.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request

from contracts import subjects, topics
from contracts.fields import Instant, Text, as_shown, utc_text
from contracts.subjects import BadSubject
from services.chassis import app as chassis_app
from services.chassis.door import Door
from services.chassis.http import Doorkeeper, ProblemError
from services.chassis.openapi import ASKED, REPORTS, failures
from services.chassis.parties import Party
from services.chassis.runtime import Runtime
from services.tracking import store
from services.tracking.entitlement import entitled

SubjectKind = Literal["run", "train", "wagon", "container", "consignment", "reference"]
KnownAt = Annotated[Instant | None, Query(description="as known at this instant")]

# Who moves the cargo or rules over it sees the carriage itself; parties of the cargo see their consignments.
_CARRIAGE = frozenset({"railway", "terminal", "customs", "control", "operations"})


def make_app(runtime: Runtime) -> FastAPI:
    """The app of the tracking service."""
    app, keeper = chassis_app.new_app(runtime, "Corridor tracking")
    app.include_router(_reports(runtime, keeper))
    app.include_router(_subjects(runtime, keeper))
    app.include_router(chassis_app.receipts(runtime, keeper))
    return app


def _reports(runtime: Runtime, keeper: Doorkeeper) -> APIRouter:
    router = APIRouter(tags=["reports"], responses=failures(*ASKED, 400, 403, 413, 415))
    door = Door(
        [(topics.MILESTONES, entitled)],
        lambda: runtime.door_producer,
        runtime.clock.now,
        runtime.settings.send_timeout_seconds,
    )

    @router.post("/v1/events", status_code=202, openapi_extra=REPORTS)
    async def report(request: Request, party: Annotated[Party, Depends(keeper)]) -> dict[str, Any]:
        """One event (binary or structured mode) or a batch; answered when Kafka has it."""
        events = await door.post(request, party)
        return {"taken": [{"source": e.source, "id": e.id} for e in events]}

    return router


def _subjects(runtime: Runtime, keeper: Doorkeeper) -> APIRouter:
    router = APIRouter(prefix="/v1/subjects", tags=["subjects"], responses=failures(*ASKED, 403))
    entering = Depends(keeper)

    @router.get("/{kind}")
    async def read_list(
        kind: SubjectKind,
        party: Annotated[Party, entering],
        known_at: KnownAt = None,
        after: Annotated[Text, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        """What lists show of all subjects of a kind."""
        if party.role not in _CARRIAGE:
            raise ProblemError(403, "lists of all subjects are for carriers, customs and control rooms")
        rows = await store.list_subjects(runtime.store, kind, known_at, after, limit)
        return {"items": [as_shown(dict(row)) for row in rows], "after": rows[-1]["subject"] if rows else None}

    # An id may hold slashes, so the timeline is matched before the subject itself.
    @router.get("/{kind}/{id:path}/timeline", responses=failures(404))
    async def read_timeline(
        kind: SubjectKind, id: Annotated[str, Path()], party: Annotated[Party, entering], known_at: KnownAt = None
    ) -> dict[str, Any]:
        """Every revision that names the subject, oldest first."""
        subject = _key(kind, id)
        _require(party, await _picture(runtime, subject))
        rows = await store.load_revisions(runtime.store, subject, known_at)
        return {"subject": subject, "revisions": [_revision(dict(row)) for row in rows]}

    @router.get("/{kind}/{id:path}", responses=failures(404))
    async def read_subject(
        kind: SubjectKind, id: Annotated[str, Path()], party: Annotated[Party, entering]
    ) -> dict[str, Any]:
        """The picture of a subject."""
        picture = await _picture(runtime, _key(kind, id))
        _require(party, picture)
        return picture | {"recorded_at": utc_text(picture["recorded_at"])}

    return router


def _key(kind: str, id: str) -> str:
    try:
        return subjects.parse(f"{kind}:{id}")
    except BadSubject as failure:
        raise ProblemError(404, str(failure)) from failure


async def _picture(runtime: Runtime, subject: str) -> dict[str, Any]:
    picture = await store.load_picture(runtime.store, subject)
    if picture is None:
        raise ProblemError(404, f"nothing is known of {subject}")
    return picture


def _require(party: Party, picture: Mapping[str, Any]) -> None:
    if party.role in _CARRIAGE:
        return
    own = f"consignment:{party.party}/"
    named = any(p["party"] == party.party for p in picture.get("parties", ()))
    inside = any(
        a["relation"] == "in_consignment" and a["subject"].startswith(own) for a in picture.get("associations", ())
    )
    if not (named or inside or picture["subject"].startswith(own)):
        raise ProblemError(403, f"{party.party} has no part in {picture['subject']}")


def _revision(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "source": row["source"],
        "id": row["event_id"],
        "type": row["type"],
        "subject": row["subject"],
        "party": row["party"],
        "updated_at": utc_text(row["updated_at"]),
        "retracted": row["retracted"],
        "recorded_at": utc_text(row["recorded_at"]),
        "data": orjson.loads(row["body"]),
    }
