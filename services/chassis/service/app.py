"""The HTTP API that every service has: health, metrics, operations, receipts.

Invariant: /live says that the process runs; /ready says that database and broker answer, partitions are assigned and
queues move. Their details, and all numbers, need a token of operations. `/ops/clock` moves the corridor clock only if
that is stepped.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel

from contracts.events import fields
from contracts.events.fields import Text, as_shown, utc_text
from services.chassis.base import telemetry
from services.chassis.base.clock_steps import save_step
from services.chassis.dead_letters import api
from services.chassis.dead_letters.replay import Replayer
from services.chassis.http import guard, problems
from services.chassis.http.callers import Asking, Callers, party_of
from services.chassis.http.edge import Edge
from services.chassis.http.openapi import ASKED, failures
from services.chassis.http.problems import ProblemError
from services.chassis.service import progress
from services.chassis.service.health import Health
from services.chassis.service.runtime import Runtime

_RECEIPTS = """
SELECT id AS sequence, outcome, source, event_id AS id, type, subject, updated_at, reason, path, detail, topic,
       partition, "offset", recorded_at
FROM receipt WHERE party = $1 AND id > $2 AND ($3::text IS NULL OR event_id = $3) ORDER BY receipt.id LIMIT $4
"""


class Instant(BaseModel):
    """The instant to which to step the corridor clock."""

    instant: fields.Instant


def new_app(runtime: Runtime, title: str, streams: Collection[str] = ()) -> FastAPI:
    """The app of a service with the common routes; `streams` are the paths of open streams."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        guard.calm(asyncio.get_running_loop())
        runtime.start()
        try:
            yield
        finally:
            await runtime.stop()

    # No slash redirects: their target would contain the host name that the caller sends.
    app = FastAPI(title=title, version="1", lifespan=lifespan, docs_url=None, redoc_url=None, redirect_slashes=False)
    problems.install(app)
    app.state.callers = Callers(lambda: runtime.store, runtime.book)
    app.add_middleware(Edge, callers=app.state.callers, streams=streams)
    health = Health(runtime)
    app.include_router(_health(health))
    app.include_router(_operations(runtime, health))
    return app


def _health(health: Health) -> APIRouter:
    """The health routes; those without a token reveal nothing but up or down."""
    router = APIRouter(tags=["health"])

    @router.get("/live")
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @router.get("/ready", responses={503: {"description": "not ready", "model": dict[str, bool]}})
    async def ready(response: Response) -> dict[str, bool]:
        found = await health.read()
        response.status_code = 200 if found["ready"] else 503
        return {"ready": found["ready"]}

    @router.get("/metrics", response_class=PlainTextResponse, responses=failures(*ASKED, 403))
    async def metrics() -> Response:
        return Response(generate_latest(telemetry.REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return router


def _operations(runtime: Runtime, health: Health) -> APIRouter:
    said = failures(*ASKED, 403)
    router = APIRouter(prefix="/ops", tags=["operations"], dependencies=[Depends(party_of)], responses=said)

    @router.get("/ready")
    async def ready_in_detail() -> dict[str, bool]:
        return await health.read()

    @router.get("/state")
    async def read_state() -> dict[str, Any]:
        return await _state(runtime)

    @router.post("/clock", responses=failures(400))
    async def step_clock(to: Instant) -> dict[str, str]:
        if not runtime.clock.stepped:
            raise ProblemError(403, "this system runs on real time")
        stands = runtime.clock.step(to.instant)
        await save_step(runtime.store, stands)
        if runtime.settle is not None:
            await runtime.settle.enqueue_due()
        return {"instant": utc_text(stands)}

    name, streams = runtime.blueprint.name, runtime.blueprint.streams
    replayer = Replayer(name, streams, lambda: runtime.store, runtime.clock, runtime.book, runtime.stored)
    router.include_router(api.router(replayer))
    return router


async def _state(runtime: Runtime) -> dict[str, Any]:
    """The progress of the store, and this copy's assignments, paused topics and missing sources."""
    now = runtime.clock.now()
    found = await progress.read(runtime.store, now)
    held = [p for i in runtime.ingests if i.positions is not None for p in i.positions.assigned]
    return {
        **found.counts,
        "to_do": found.to_do,
        "positions": found.positions,
        "service": runtime.blueprint.name,
        "copy": runtime.settings.copy_name,
        "clock": utc_text(now),
        "reads": [stream.topic.regex for stream in runtime.blueprint.streams],
        "assigned": sorted(f"{p.topic}/{p.partition}" for p in held),
        "paused": sorted(topic for ingest in runtime.ingests for topic in ingest.quarantine.paused),
        "away": {source: utc_text(since) for source, since in runtime.sources.away.items()},
    }


def receipts(runtime: Runtime) -> APIRouter:
    """`GET /v1/receipts`: the answers to the caller's own reports."""
    router = APIRouter(tags=["receipts"], responses=failures(*ASKED))

    @router.get("/v1/receipts")
    async def read_receipts(
        party: Asking,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        id: Annotated[Text | None, Query(max_length=400)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    ) -> dict[str, Any]:
        rows = await runtime.store.fetch(_RECEIPTS, party.party, after, id, limit)
        items = [as_shown(dict(row)) for row in rows]
        return {"party": party.party, "items": items, "after": rows[-1]["sequence"] if rows else after}

    return router
