"""`/ops/dead-letters`: the dead letters of this service, for operations.

Invariant: nothing is replayed or discarded without the name of who did it; a replay is dry unless asked otherwise.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.fields import Text, as_shown
from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import Pool
from services.chassis.base.parties import PartyBook
from services.chassis.dead_letters import letters
from services.chassis.dead_letters.letters import Filter, RowId
from services.chassis.dead_letters.replay import Replayer
from services.chassis.http.callers import Asking
from services.chassis.http.openapi import failures
from services.chassis.http.problems import ProblemError
from services.chassis.ingest.stream import Stream


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


class Owner(Protocol):
    """The service whose dead letters they are."""

    clock: CorridorClock
    book: PartyBook

    @property
    def name(self) -> str: ...

    @property
    def streams(self) -> Sequence[Stream]: ...

    @property
    def store(self) -> Pool:
        """Its store; raises `OSError` while that has not been reached."""
        ...

    def stored(self) -> None:
        """Is told that facts have been stored."""
        ...


def router(owner: Owner) -> APIRouter:
    """The operations on dead letters; mounted under `/ops`."""
    routes = APIRouter(prefix="/dead-letters")
    _add_reading(routes, owner)
    _add_work(routes, owner)
    return routes


def _add_reading(routes: APIRouter, owner: Owner) -> None:
    @routes.get("")
    async def read_list(
        wanted: Annotated[Filter, Depends(_filter)],
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        rows = [as_shown(row) for row in await letters.listed(owner.store, wanted, after, limit)]
        return {"items": rows, "after": rows[-1]["id"] if rows else after}

    @routes.get("/counts")
    async def read_counts(wanted: Annotated[Filter, Depends(_filter)]) -> dict[str, Any]:
        return {"counts": [as_shown(row) for row in await letters.counted(owner.store, wanted)]}

    @routes.get("/actions")
    async def read_actions() -> dict[str, Any]:
        return {"actions": [as_shown(dict(row)) for row in await letters.actions(owner.store)]}

    # Only a number is an id, so that the actions beside it keep their own methods.
    @routes.get("/{id:int}", responses=failures(404))
    async def read_one(id: Annotated[RowId, Path()]) -> dict[str, Any]:
        found = await letters.shown(owner.store, id)
        if found is None:
            raise ProblemError(404, f"there is no dead letter {id}")
        action = found["last_action"]
        return as_shown(found | {"last_action": action and as_shown(action)})


def _add_work(routes: APIRouter, owner: Owner) -> None:
    @routes.post("/replay", responses=failures(400))
    async def replay(asked: Replay, party: Asking) -> dict[str, Any]:
        report = await _replayer(owner).replay(asked.filter, party.party, dry_run=asked.dry_run, again=asked.again)
        owner.stored()
        return report.as_json()

    @routes.post("/discard", responses=failures(400))
    async def discard(asked: Discard, party: Asking) -> dict[str, Any]:
        report = await _replayer(owner).discard(asked.filter, party.party, asked.reason)
        owner.stored()
        return report.as_json()


def _replayer(owner: Owner) -> Replayer:
    return Replayer(owner.name, owner.streams, owner.store, owner.clock, owner.book)


def _filter(
    id: Annotated[list[RowId] | None, Query(max_length=1000)] = None,
    reason: Annotated[Text | None, Query()] = None,
    party: Annotated[Text | None, Query()] = None,
    topic: Annotated[Text | None, Query()] = None,
    resolved: bool = False,
) -> Filter:
    return Filter(ids=id, reason=reason, party=party, topic=topic, resolved=resolved)
