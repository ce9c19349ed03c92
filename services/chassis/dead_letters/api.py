"""`/ops/dead-letters`: the dead letters of this service, for operations.

Invariant: every replay and discard records who did it. A replay is a dry run unless asked otherwise.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.fields import Instant, Text, as_shown
from services.chassis.dead_letters import letters
from services.chassis.dead_letters.letters import Filter, RowId
from services.chassis.dead_letters.replay import Replayer
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import failures
from services.chassis.http.problems import ProblemError


class Work(BaseModel):
    """The dead letters to work on, and the name of the person, as several may use one token of operations."""

    model_config = ConfigDict(extra="forbid", strict=True)

    filter: Filter
    by: Annotated[Text | None, Field(min_length=1, max_length=80)] = None

    def done_by(self, party: str) -> str:
        """The name that is recorded: the party of the token, and the given name."""
        return f"{party}/{self.by}" if self.by else party


class Replay(Work):
    """A replay; `again` includes dead letters that have failed too often."""

    dry_run: bool = True
    again: bool = False


class Discard(Work):
    """A discard, with its reason."""

    reason: Annotated[Text, Field(min_length=3, max_length=500)]


def router(replayer: Replayer) -> APIRouter:
    """The operations on dead letters; mounted under `/ops`."""
    routes = APIRouter(prefix="/dead-letters")
    _add_reading(routes, replayer)
    _add_work(routes, replayer)
    return routes


def _add_reading(routes: APIRouter, replayer: Replayer) -> None:
    @routes.get("")
    async def read_list(
        wanted: Annotated[Filter, Depends(_filter)],
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        rows = [as_shown(row) for row in await letters.listed(replayer.pool, wanted, after, limit)]
        return {"items": rows, "after": rows[-1]["id"] if rows else after}

    @routes.get("/counts")
    async def read_counts(wanted: Annotated[Filter, Depends(_filter)]) -> dict[str, Any]:
        return {"counts": [as_shown(row) for row in await letters.counted(replayer.pool, wanted)]}

    @routes.get("/actions")
    async def read_actions() -> dict[str, Any]:
        return {"actions": [as_shown(dict(row)) for row in await letters.actions(replayer.pool)]}

    # Only a number is an id, so that the actions beside it keep their own methods.
    @routes.get("/{id:int}", responses=failures(404))
    async def read_one(id: Annotated[RowId, Path()]) -> dict[str, Any]:
        found = await letters.shown(replayer.pool, id)
        if found is None:
            raise ProblemError(404, f"there is no dead letter {id}")
        action = found["last_action"]
        return as_shown(found | {"last_action": action and as_shown(action)})


def _add_work(routes: APIRouter, replayer: Replayer) -> None:
    @routes.post("/replay", responses=failures(400))
    async def replay(asked: Replay, party: Asking) -> dict[str, Any]:
        by = asked.done_by(party.party)
        report = await replayer.replay(asked.filter, by, dry_run=asked.dry_run, again=asked.again)
        return report.as_json()

    @routes.post("/discard", responses=failures(400))
    async def discard(asked: Discard, party: Asking) -> dict[str, Any]:
        report = await replayer.discard(asked.filter, asked.done_by(party.party), asked.reason)
        return report.as_json()


def _filter(
    id: Annotated[list[RowId] | None, Query(max_length=1000)] = None,
    reason: Text | None = None,
    party: Text | None = None,
    topic: Text | None = None,
    since: Annotated[Instant | None, Query(description="recorded from this instant on")] = None,
    until: Annotated[Instant | None, Query(description="recorded before this instant")] = None,
    resolved: bool = False,
) -> Filter:
    return Filter(ids=id, reason=reason, party=party, topic=topic, since=since, until=until, resolved=resolved)
