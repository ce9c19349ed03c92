"""`/ops/dead-letters`: the dead letters of this service, for operations.

Invariant: nothing is replayed or discarded without the name of who did it; a replay is dry unless asked otherwise.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.fields import Text, as_shown
from services.chassis import dead_letters
from services.chassis.dead_letters import Filter, RowId
from services.chassis.http import Doorkeeper, ProblemError
from services.chassis.openapi import failures
from services.chassis.parties import Party
from services.chassis.replay import Replayer
from services.chassis.runtime import Runtime


class Replay(BaseModel):
    """What to replay; `again` also what has failed too often."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: Filter
    dry_run: bool = True
    again: bool = False


class Discard(BaseModel):
    """What to give up, and why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: Filter
    reason: Annotated[Text, Field(min_length=3, max_length=500)]


def router(runtime: Runtime, keeper: Doorkeeper) -> APIRouter:
    """The operations on dead letters; mounted under `/ops`."""
    routes = APIRouter(prefix="/dead-letters")

    @routes.get("")
    async def read_list(
        wanted: Annotated[Filter, Depends(_filter)],
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        rows = [as_shown(row) for row in await dead_letters.listed(runtime.store, wanted, after, limit)]
        return {"items": rows, "after": rows[-1]["id"] if rows else after}

    @routes.get("/counts")
    async def read_counts(wanted: Annotated[Filter, Depends(_filter)]) -> dict[str, Any]:
        return {"counts": [as_shown(row) for row in await dead_letters.counted(runtime.store, wanted)]}

    @routes.get("/actions")
    async def read_actions() -> dict[str, Any]:
        return {"actions": [as_shown(dict(row)) for row in await dead_letters.actions(runtime.store)]}

    # Only a number is an id, so that the actions beside it keep their own methods.
    @routes.get("/{id:int}", responses=failures(404))
    async def read_one(id: Annotated[RowId, Path()]) -> dict[str, Any]:
        found = await dead_letters.shown(runtime.store, id)
        if found is None:
            raise ProblemError(404, f"there is no dead letter {id}")
        action = found["last_action"]
        return as_shown(found | {"last_action": action and as_shown(action)})

    @routes.post("/replay", responses=failures(400))
    async def replay(asked: Replay, party: Annotated[Party, Depends(keeper)]) -> dict[str, Any]:
        report = await _replayer(runtime).replay(asked.filter, party.party, dry_run=asked.dry_run, again=asked.again)
        runtime.stored()
        return report.as_json()

    @routes.post("/discard", responses=failures(400))
    async def discard(asked: Discard, party: Annotated[Party, Depends(keeper)]) -> dict[str, Any]:
        report = await _replayer(runtime).discard(asked.filter, party.party, asked.reason)
        runtime.stored()
        return report.as_json()

    return routes


def _replayer(runtime: Runtime) -> Replayer:
    plan = runtime.blueprint
    return Replayer(plan.name, plan.streams, runtime.store, runtime.clock, runtime.book)


def _filter(
    id: Annotated[list[RowId] | None, Query(max_length=1000)] = None,
    reason: Annotated[Text | None, Query()] = None,
    party: Annotated[Text | None, Query()] = None,
    topic: Annotated[Text | None, Query()] = None,
    resolved: bool = False,
) -> Filter:
    return Filter(ids=id, reason=reason, party=party, topic=topic, resolved=resolved)
